"""The list of models, and one model of it: reduced to what a client may see.

Paths, parents and permissions of the model server stay hidden.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

import orjson

from gateway.core.answers.whole_answer import MAX_ANSWER_BYTES
from gateway.core.errors import NotFound, UpstreamUnavailable
from gateway.core.strict_json import load_json

_MAX_MODELS: Final = 10_000


def parse_model_list(body: bytes, *, visible: Collection[str]) -> list[dict[str, Any]]:
    """Return of vLLM's model list the *visible* models, each with four harmless members.

    Raises ``UpstreamUnavailable`` if *body* is not a model list.
    """
    received = load_json(body, otherwise=UpstreamUnavailable())
    entries = received.get("data") if isinstance(received, dict) else None
    if not isinstance(entries, list) or len(entries) > _MAX_MODELS:
        raise UpstreamUnavailable
    shown = [_model(entry) for entry in entries]
    return [model for model in shown if model["id"] in visible]


def _model(entry: Any) -> dict[str, Any]:
    name = entry.get("id") if isinstance(entry, dict) else None
    created = entry.get("created", 0) if isinstance(entry, dict) else None
    if not isinstance(name, str) or type(created) is not int:
        raise UpstreamUnavailable
    # The owner is ours to say: upstream it is a free text.
    return {"id": name, "object": "model", "created": created, "owned_by": "sealgate"}


class ModelListFilter:
    """Take vLLM's model list in any pieces, give what of it is *visible* at :meth:`finish`.

    Raises ``UpstreamUnavailable`` for anything but a model list.
    """

    __slots__ = ("_body", "_visible")

    def __init__(self, *, visible: Collection[str]) -> None:
        self._visible = visible
        self._body = bytearray()

    def feed(self, data: bytes) -> bytes:
        """Keep *data*; nothing goes out before the whole list is known."""
        self._body += data
        if len(self._body) > MAX_ANSWER_BYTES:
            self._body.clear()
            raise UpstreamUnavailable
        return b""

    def finish(self) -> bytes:
        """Return the reduced list."""
        return orjson.dumps({"object": "list", "data": self._shown()})

    def _shown(self) -> list[dict[str, Any]]:
        return parse_model_list(bytes(self._body), visible=self._visible)


class ModelFilter(ModelListFilter):
    """Take vLLM's model list in any pieces, give the one model *name* at :meth:`finish`.

    Raises ``NotFound`` if the model server does not have it.
    """

    def __init__(self, name: str) -> None:
        super().__init__(visible={name})

    def finish(self) -> bytes:
        """Return the model."""
        for model in self._shown():
            return orjson.dumps(model)
        raise NotFound
