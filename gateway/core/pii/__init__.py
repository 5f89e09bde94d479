"""Personal data: detectors, and the machine that finds them in a stream."""
