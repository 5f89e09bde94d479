"""The lists of models of several backends as one list.

What a list holds is checked where it is reduced to what the caller may see; here it only has to be
a list, and short.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Any, Final

import orjson

from gateway.core.errors import UpstreamUnavailable
from gateway.core.strict_json import load_json
from gateway.core.upstream_port import UpstreamAnswer

_MAX_LIST_BYTES: Final = 2**20
_MAX_MODELS: Final = 1000
_JSON: Final = "application/json"


class ListAnswer:
    """An upstream answer that the gateway put together itself."""

    status = 200
    content_type = _JSON

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the list, whole."""
        yield self._body

    async def close(self) -> None:
        """Nothing is open."""


async def read_list(answer: UpstreamAnswer) -> list[dict[str, Any]]:
    """Return the entries of vLLM's model list, each with an ``id``.

    Raises ``UpstreamUnavailable`` for anything else.
    """
    if (answer.status, answer.content_type) != (200, _JSON):
        raise UpstreamUnavailable
    body = bytearray()
    async for data in answer.chunks():
        body += data
        if len(body) > _MAX_LIST_BYTES:
            raise UpstreamUnavailable
    received = load_json(bytes(body), otherwise=UpstreamUnavailable())
    entries = received.get("data") if isinstance(received, dict) else None
    if not isinstance(entries, list) or len(entries) > _MAX_MODELS:
        raise UpstreamUnavailable
    if not all(isinstance(e, dict) and isinstance(e.get("id"), str) for e in entries):
        raise UpstreamUnavailable
    return entries


def merge_lists(lists: Iterable[list[dict[str, Any]]]) -> bytes:
    """Return one list as JSON. Of entries with one ``id`` the first is kept."""
    merged: dict[str, dict[str, Any]] = {}
    for entry in (entry for entries in lists for entry in entries):
        merged.setdefault(entry["id"], entry)
    return orjson.dumps({"object": "list", "data": list(merged.values())})
