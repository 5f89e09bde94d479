"""Inference requests: one file for each API, and the checks that they share.

Each turns an untrusted body into an ``InferenceRequest`` whose upstream body is written anew from
what was checked; ``gateway.core.apis`` says which belongs to which path.
"""
