"""An event that comes again and again with one text changed, as a model's words do.

vLLM sends one event for each token, and of its 150 to 250 bytes only the token differs. What has
been understood once need not be parsed and built anew each time (ADR-0031). An event that differs
anywhere else is none of these and goes the long way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import orjson

PROBE: Final = "~this stands for the text~"
"""A text that no other member of an answer can be: neither names nor identifiers have blanks."""

_PROBE: Final = orjson.dumps(PROBE)


class RepeatedEvent:
    """One shape of event: the bytes before and after its text, as received and as sent.

    *say* scrubs the next text. Made by :func:`find_repeated_event`.
    """

    __slots__ = ("_after", "_before", "_safe_after", "_safe_before", "_say")

    def __init__(
        self, received: tuple[bytes, bytes], sent: tuple[bytes, bytes], say: Callable[[str], str]
    ) -> None:
        self._before, self._after = received
        self._safe_before, self._safe_after = sent
        self._say = say

    def take(self, data: bytes) -> bytes | None:
        """Return what is safe to send after the event *data*; None if it is not of this shape."""
        if not (data.startswith(self._before) and data.endswith(self._after)):
            return None
        try:
            # One string and nothing else: a quote in it that ends it too early is an error here.
            text = orjson.loads(data[len(self._before) : len(data) - len(self._after)])
        except orjson.JSONDecodeError:
            return None
        if type(text) is not str or not text:
            return None
        safe = self._say(text)
        return self._safe_before + orjson.dumps(safe) + self._safe_after if safe else b""


def find_repeated_event(
    data: bytes, text: str, *, probed: Any, sent: bytes, say: Callable[[str], str]
) -> RepeatedEvent | None:
    """Return the shape of the event *data*, which was understood; None if that is not clear.

    *text* is the only thing that it says. *probed* is what *data* would hold with ``PROBE`` in that
    place: the proof that the string found in the bytes is the text. *sent* is the event that says
    ``PROBE`` to the client.
    """
    literal = orjson.dumps(text)
    before, found, after = data.partition(literal)
    safe_before, safe_found, safe_after = sent.partition(_PROBE)
    if not found or not safe_found or literal in after or _PROBE in safe_after:
        return None
    try:
        is_proven = orjson.loads(before + _PROBE + after) == probed
    except orjson.JSONDecodeError:
        return None
    return RepeatedEvent((before, after), (safe_before, safe_after), say) if is_proven else None
