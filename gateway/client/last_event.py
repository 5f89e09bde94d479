"""Hold back ``[DONE]`` until the answer is known to be whole.

SDKs stop reading at ``data: [DONE]`` and never see whether the sealed stream ended properly, so a
cut right after it would go unnoticed. That event is therefore given out only with the verified end;
an application that saw it knows that it has the whole answer.
"""

from __future__ import annotations

import re
from typing import Final

_MARKS: Final = (b"data: [DONE]", b"data:[DONE]")
_MARK_LINE: Final = re.compile(rb"(?<![^\r\n])data: ?\[DONE\]")
_LINE_END: Final = re.compile(rb"[\r\n]")


class LastEventHold:
    """Pass an event stream through, except for ``[DONE]`` and what follows it.

    Joined, the output of ``feed()`` and ``finish()`` is the input, for every cutting of it. Nothing
    else is delayed but the beginning of a line that may still become ``[DONE]``.
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
