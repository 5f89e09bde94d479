"""Lists of words that detectors look up."""
