"""Embeddings (OpenAI): numbers, in lists or as the base64 of their bytes, and nothing else."""

from __future__ import annotations

import re
from typing import Any, Final

from gateway.core.answers.asked import Asked
from gateway.core.answers.fields import count, index_of, member, model_of
from gateway.core.errors import ScrubFailed, UpstreamUnavailable
from gateway.core.requests.embeddings import MAX_DIMENSIONS, MAX_INPUTS
from gateway.core.text_scrubbers import Slices

# Coordinates are small; a number as long as one of a person is none.
_MAX_COORDINATE: Final = 100_000
_FLOAT_BYTES: Final = 4
_BASE64: Final = re.compile(r"[A-Za-z0-9+/]*={0,2}")


def rebuild_embeddings(received: dict[str, Any], asked: Asked) -> Slices[dict[str, Any]]:
    """Return the embeddings that are safe to send; see ``WholeAnswerScrubber``."""
    if "error" in received or received.get("object") == "error":
        raise UpstreamUnavailable
    counts = member(received, "usage", dict) or {}
    usage = {name: count(counts.get(name, 0)) for name in ("prompt_tokens", "total_tokens")}
    asked.tally.see_usage(usage["total_tokens"])
    entries = member(received, "data", list)
    if entries is None or len(entries) > MAX_INPUTS:
        raise ScrubFailed
    data: list[dict[str, Any]] = []
    for entry in entries:
        index = index_of(entry, MAX_INPUTS - 1)
        embedding = _verify_numbers(entry.get("embedding"))
        data.append({"object": "embedding", "index": index, "embedding": embedding})
        yield None
    return {"object": "list", "data": data, "model": model_of(received), "usage": usage}


def _verify_numbers(embedding: Any) -> Any:
    """Return *embedding* if it is numbers, written in one of the two ways."""
    if not (_are_coordinates(embedding) or _is_base64(embedding)):
        raise ScrubFailed
    return embedding


def _are_coordinates(embedding: Any) -> bool:
    if not isinstance(embedding, list) or len(embedding) > MAX_DIMENSIONS:
        return False
    return all(type(at) in {int, float} and abs(at) <= _MAX_COORDINATE for at in embedding)


def _is_base64(embedding: Any) -> bool:
    if not isinstance(embedding, str) or len(embedding) % 4 or not _BASE64.fullmatch(embedding):
        return False
    size = len(embedding) // 4 * 3 - embedding.count("=")
    return size % _FLOAT_BYTES == 0 and size <= MAX_DIMENSIONS * _FLOAT_BYTES
