"""An event that comes again and again with one text changed, as a model's words do.

vLLM sends one event for each token, and of its 150 to 250 bytes only the token differs. What has
been understood once need not be parsed and built anew each time, and what has come together is
scrubbed together (ADR-0031). An event that differs anywhere else is none of these and goes the long
way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import accumulate, islice, pairwise
from typing import Any, Final

import orjson

from gateway.core.sse import EVENT_END, ServerSentEvent, encode_event
from gateway.core.tally import Tally

PROBE: Final = "~this stands for the text~"
"""A text that no other member of an answer can be: neither names nor identifiers have blanks."""

_PROBE: Final = orjson.dumps(PROBE)
_CUT: Final = "\uffff"  # no character (Unicode §23.7), and written as it is
_CUT_BYTES: Final = _CUT.encode()
_MOST_AT_ONCE: Final = 128
"""How many events are read together; it is in vain if one of them is no single text after all."""


class RepeatedEvent:
    """One shape of event: the bytes before and after its text, as received and as sent.

    *say* scrubs the next text. Made by :func:`find_repeated_event`.
    """

    __slots__ = (
        "_after",
        "_before",
        "_safe_after",
        "_safe_before",
        "_safe_between",
        "_say",
    )

    def __init__(
        self, received: tuple[bytes, bytes], sent: tuple[bytes, bytes], say: Callable[[str], str]
    ) -> None:
        self._before, self._after = received
        self._safe_before, self._safe_after = sent
        self._safe_between = b'"' + self._safe_after + self._safe_before + b'"'
        self._say = say

    def find_texts(self, blocks: list[bytes], at: int) -> list[str]:
        """Return what *blocks* say, from the one at *at* on, while they have this shape."""
        before, after = self._before, self._after
        first, last = len(before), -len(after)
        literals: list[bytes] = []
        for block in islice(blocks, at, at + _MOST_AT_ONCE):
            if not (block.startswith(before) and block.endswith(after)):
                break
            literals.append(block[first:last])
        return (_read(literals) or _read(literals[:1])) if literals else []

    def say(self, texts: list[str]) -> bytes:
        """Return the events that are safe to send after events with these *texts*.

        Scrubbed as one and then cut anew: no more events than texts, and about as many characters
        in each.
        """
        safe = self._say("".join(texts))
        if not safe:
            return b""
        if len(texts) == 1 or _CUT in safe:
            said = orjson.dumps(safe)
        else:
            said = orjson.dumps(_CUT.join(_cut(safe, texts)))
            said = said.replace(_CUT_BYTES, self._safe_between)
        return self._safe_before + said + self._safe_after


def _cut(text: str, like: list[str]) -> list[str]:
    """Return *text* in pieces as long as those of *like*; the last has what is left."""
    ends = [end for end in accumulate(map(len, like[:-1])) if end < len(text)]
    return [text[start:end] for start, end in pairwise([0, *ends, len(text)])]


def _read(literals: list[bytes]) -> list[str]:
    """Return the strings that these are in JSON; none if one of them is anything else, or empty."""
    try:
        if len(literals) == 1:
            text = orjson.loads(literals[0])
            return [text] if type(text) is str and text else []
        # No string holds a line end, so none can begin in one literal and end in the next; and if
        # one is more than a string, there are more texts than literals.
        texts = orjson.loads(b"[" + b",\n".join(literals) + b"]")
    except orjson.JSONDecodeError:
        return []
    is_clear = len(texts) == len(literals) and all(texts) and set(map(type, texts)) == {str}
    return texts if is_clear else []


def say_ordinary(
    blocks: list[bytes], at: int, *, shapes: Iterable[RepeatedEvent], tally: Tally
) -> tuple[bytes, int]:
    """Return what is safe to send after *blocks*, from the one at *at* on, that have one shape.

    And how many these are: 0 if the first has none of these *shapes*. They count in *tally*.
    """
    for shape in shapes:
        texts = shape.find_texts(blocks, at)
        if texts:
            tally.see_pieces(len(texts))
            return shape.say(texts), len(texts)
    return b"", 0


def find_repeated_event(
    event: ServerSentEvent, text: str, *, probed: Any, sent: bytes, say: Callable[[str], str]
) -> RepeatedEvent | None:
    """Return the shape of *event*, which was understood; None if that is not clear.

    *text* is the only thing that it says. *probed* is what its data would hold with ``PROBE`` in
    that place: the proof that the string found in the bytes is the text. *sent* is the event that
    says ``PROBE`` to the client.
    """
    literal = orjson.dumps(text)
    before, found, after = event.data.partition(literal)
    safe_before, safe_found, safe_after = sent.partition(_PROBE)
    if not found or not safe_found or literal in after or _PROBE in safe_after:
        return None
    try:
        is_proven = orjson.loads(before + _PROBE + after) == probed
    except orjson.JSONDecodeError:
        return None
    if not is_proven or b"\n" in event.data:
        return None
    start = encode_event(b"", name=event.name).removesuffix(EVENT_END)
    return RepeatedEvent((start + before, after), (safe_before, safe_after), say)
