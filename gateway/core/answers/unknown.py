"""Members of an answer that nobody here knows: scrubbed by default, never passed on as they are.

A later model server, or a patched one, may say more than this gateway has heard of. What is known
to repeat text where it cannot be scrubbed is dropped (``RAW``), and so is what is too large.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import orjson

from gateway.core.errors import ScrubFailed
from gateway.core.pii import scrub
from gateway.core.strict_json import load_json
from gateway.core.text_scrubbers import Slices, TextScrubber, TextScrubbers

RAW: Final = frozenset(
    [
        "annotations",
        "audio",
        "bytes",
        "ec_transfer_params",
        "function_call",
        "input_messages",
        "kv_transfer_params",
        "logprobs",
        "output_messages",
        "prompt_logprobs",
        "prompt_text",
        "prompt_token_ids",
        "stop_reason",
        "token_ids",
        "tokens",
        "top_logprobs",
    ]
)
"""Members that hold tokens, bytes, prompts or media: text in a form that no scrubber reads."""

MAX_DEPTH: Final = 8
# An extension of a few sentences; beyond this a member is dropped.
MAX_BYTES: Final = 64 * 1024
MAX_PATHS: Final = 32
# Letters alone: nothing that could be put together from the names of several events is a value.
_NAME: Final = re.compile(r"[A-Za-z_]{1,64}")

Path = tuple[str, ...]


def unknown_members(received: dict[str, Any], known: frozenset[str]) -> dict[str, Any]:
    """Return the members of *received* that are neither *known* nor ``RAW``."""
    return {n: v for n, v in received.items() if n not in known and n not in RAW}


def scrub_unknown(members: dict[str, Any], scrubbers: TextScrubbers) -> Slices[dict[str, Any]]:
    """Return unknown *members* of a whole answer, their names and values scrubbed as JSON.

    A string that is personal data becomes a placeholder, and so does a number. Lists with whole
    numbers, which may be tokens or bytes, are dropped, as is what is nested too deeply; all of it
    if it is too large.
    """
    kept = _without_raw(members, MAX_DEPTH)
    if not kept:
        return {}
    text = orjson.dumps(kept)
    if len(text) > MAX_BYTES:
        return {}
    safe = yield from scrubbers.in_slices("arguments", text.decode())
    rebuilt: dict[str, Any] = load_json(safe.encode(), otherwise=ScrubFailed())
    return rebuilt


class _Dropped:
    """Marks a value that goes no further."""


_DROPPED: Final = _Dropped()


def _without_raw(value: Any, depth: int) -> Any:
    if isinstance(value, dict):
        return _kept({n: _within(v, depth) for n, v in value.items() if n not in RAW})
    kept = [_within(item, depth) for item in value]
    return [item for item in kept if item is not _DROPPED]


def _within(value: Any, depth: int) -> Any:
    """Return what of *value* may pass the scrubber at all."""
    if not isinstance(value, dict | list):
        return value
    if depth <= 1 or (isinstance(value, list) and any(type(item) is int for item in value)):
        return _DROPPED
    return _without_raw(value, depth - 1)


def _kept(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not _DROPPED}


class UnknownStream:
    """The unknown members of one choice of a stream: a scrubber of its own for every text in them.

    A client joins the texts at the same place in successive events, so only texts pass here, and
    each as a stream. Numbers, lists and all else that cannot be joined soundly is dropped, as are
    members whose name is not made of letters, and those beyond ``MAX_PATHS`` places. Raises
    ``ScrubFailed`` for a text after the end: what it goes on with is out already.
    """

    __slots__ = ("_is_over", "_scrubbers", "_texts")

    def __init__(self, scrubbers: TextScrubbers) -> None:
        self._scrubbers = scrubbers
        self._texts: dict[Path, TextScrubber] = {}
        self._is_over = False

    def take(self, members: dict[str, Any]) -> dict[str, Any]:
        """Return what of *members* is safe to send now, in the same places."""
        said: dict[str, Any] = {}
        for path, text in _texts_in(members, (), MAX_DEPTH):
            if text and self._is_over:
                raise ScrubFailed
            scrubber = self._texts.get(path)
            if scrubber is None:
                if len(self._texts) == MAX_PATHS or not all(map(_is_plain, path)):
                    continue
                scrubber = self._texts[path] = self._scrubbers.new("unknown")
            if safe := scrubber.feed(text):
                _put(said, path, safe)
        return said

    def finish(self) -> dict[str, Any]:
        """Return the rest of all texts, in their places; nothing may follow."""
        self._is_over = True
        said: dict[str, Any] = {}
        for path, scrubber in self._texts.items():
            if rest := scrubber.finish():
                _put(said, path, rest)
        self._texts.clear()
        return said


def _texts_in(value: dict[str, Any], above: Path, depth: int) -> Iterator[tuple[Path, str]]:
    for name, inner in value.items():
        path = (*above, name)
        if name in RAW or not _NAME.fullmatch(name):
            continue
        if isinstance(inner, str):
            yield path, inner
        elif isinstance(inner, dict) and depth > 1:
            yield from _texts_in(inner, path, depth - 1)


def _is_plain(name: str) -> bool:
    return scrub(name) == name


def merge(said: dict[str, Any], rest: dict[str, Any]) -> None:
    """Add to *said* the *rest* of texts that it may have the beginnings of."""
    for name, value in rest.items():
        here = said.get(name)
        if type(here) is dict and type(value) is dict:
            merge(here, value)
        elif type(here) is str and type(value) is str:
            said[name] = here + value
        elif here is None:
            said[name] = value
        else:  # a text here, an object there
            raise ScrubFailed


def _put(said: dict[str, Any], path: Path, text: str) -> None:
    place: Any = said
    for name in path[:-1]:
        place = place.setdefault(name, {})
        if type(place) is not dict:  # a text here, an object there
            raise ScrubFailed
    place[path[-1]] = text
