"""An event that comes again and again with one text changed, as a model's words do.

vLLM sends one event for each token, and of its 150 to 250 bytes only the token differs. What has
been understood once need not be parsed and built anew each time, and what has come together is
scrubbed together (ADR-0031). An event that differs anywhere else is none of these and goes the long
way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import accumulate, pairwise
from typing import Any, Final

import orjson

from gateway.core.sse import EVENT_END, ServerSentEvent, encode_event
from gateway.core.tally import Tally

PROBE: Final = "~this stands for the text~"
"""A text that no other member of an answer can be: neither names nor identifiers have blanks."""

_PROBE: Final = orjson.dumps(PROBE)
_CUT: Final = "\uffff"  # no character (Unicode §23.7), and written as it is
_CUT_BYTES: Final = _CUT.encode()
_MOST_AT_ONCE: Final = 32
"""How many events are read together; if one of them is no single text, they are read one by one."""


class RepeatedEvent:
    """One shape of event: the bytes before and after its text, as received and as sent.

    The quotes around the text belong to what is *received* before and after it, and not to what is
    *sent*. *say* scrubs the next text. Made by :func:`find_repeated_event`.
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
        if not blocks[at].startswith(before):
            return []
        first, last = len(before), -len(after)
        least = first - last
        insides: list[bytes] = []
        for block in blocks[at : at + _MOST_AT_ONCE]:
            if not (block.startswith(before) and block.endswith(after) and len(block) >= least):
                break
            insides.append(block[first:last])
        return _read(insides)

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
    ends = {end for end in accumulate(map(len, like[:-1])) if 0 < end < len(text)}
    return [text[start:end] for start, end in pairwise([0, *sorted(ends), len(text)])]


def _read(insides: list[bytes]) -> list[str]:
    """Return the strings with these *insides*, up to the first that is none."""
    if len(insides) > 1:
        # No string holds a line end, so none can begin in one and end in the next; and if one is
        # more than a string, there are more texts than insides.
        texts = _strings(b'",\n"'.join(insides))
        if len(texts) == len(insides):
            return texts
    texts = []
    for inside in insides:
        alone = _strings(inside)
        if len(alone) != 1:
            break
        texts += alone
    return texts


def _strings(inside: bytes) -> list[str]:
    """Return the strings of the list in JSON that has this between its outermost quotes.

    None if one of them is anything else.
    """
    try:
        found = orjson.loads(b'["' + inside + b'"]')
    except orjson.JSONDecodeError:
        return []
    return found if set(map(type, found)) == {str} else []


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
    received = (start + before + b'"', b'"' + after)
    return RepeatedEvent(received, (safe_before, safe_after), say)
