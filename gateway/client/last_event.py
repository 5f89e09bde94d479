"""Hold back the last event of a stream until the answer is known to be whole.

SDKs stop reading at ``data: [DONE]`` and never see whether the sealed stream ended properly, so a
cut right after it would go unnoticed; applications may do the same at the last event of a response
or a message. Such an event is therefore given out only with the verified end; an application that
saw it knows that it has the whole answer.
"""

from __future__ import annotations

import re
from typing import Final

_ENDS: Final = (
    (b"data:", b"[DONE]"),
    (b"event:", b"response.completed"),
    (b"event:", b"response.incomplete"),
    (b"event:", b"message_stop"),
)
_MARKS: Final = tuple(field + space + value for field, value in _ENDS for space in (b" ", b""))
_MARK_LINE: Final = re.compile(rb"(?<![^\r\n])(?:" + b"|".join(map(re.escape, _MARKS)) + b")")
_LINE_END: Final = re.compile(rb"[\r\n]")


class LastEventHold:
    """Pass an event stream through, except for the event that ends it and what follows that.

    Joined, the output of ``feed()`` and ``finish()`` is the input, for every cutting of it. Nothing
    else is delayed but the beginning of a line that may still become the first of that event.
    """

    def __init__(self) -> None:
        self._held = b""
        self._is_done = False
        self._is_line_start = True

    def feed(self, data: bytes) -> bytes:
        """Accept the next bytes; return those that may be shown."""
        text = self._held + data
        if self._is_done:
            self._held = text
            return b""
        # One byte that is no line end stands for the line that was begun and already given out.
        before = b"" if self._is_line_start else b"."
        found = _MARK_LINE.search(before + text)
        if found is not None:
            self._is_done = True
            cut = found.start() - len(before)
        else:
            cut = len(text) - self._possible_mark_bytes(before + text)
        self._held = text[cut:]
        if cut:
            self._is_line_start = _LINE_END.match(text, cut - 1) is not None
        return text[:cut]

    def finish(self) -> bytes:
        """Return what was held back: call it when the stream has ended as it should."""
        held, self._held = self._held, b""
        return held

    def _possible_mark_bytes(self, text: bytes) -> int:
        line = _LINE_END.split(text)[-1]
        return len(line) if line and any(mark.startswith(line) for mark in _MARKS) else 0
