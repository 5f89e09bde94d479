"""Leaks, abuse and faults, against the real parts."""
