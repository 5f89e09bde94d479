"""Answers of the model server: one file for each shape, and the scrubbing that they share.

Every byte that comes out was built here from what was understood; ``gateway.core.apis`` says which
shape belongs to which path.
"""
