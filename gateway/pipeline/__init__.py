"""Data plane: one file per stage, in the order a request meets them. Read ``chain`` first."""
