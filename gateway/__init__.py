"""Sealgate: a gateway that seals, checks, scrubs and forgets what passes to a vLLM server.

Start reading in ``gateway/README.md`` and ``gateway/pipeline/chain.py``.
"""
