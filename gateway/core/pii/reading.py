r"""Read a text as its reader sees it: escapes decoded, formatting passed over, else unchanged.

What comes out is one character for each thing to read, together with what was written where the two
differ, so whatever is not replaced leaves exactly as it came. Known are HTML entities (also
escaped once more), percent encoding (likewise, and of UTF-8), ``\uXXXX``, ``\xXX``, ``\n`` and
escaped signs behind up to four backslashes, HTML tags that only format, comments, the ``**`` and
``~~`` of Markdown, and the colours of terminals. Only something that may still become one of these
is held back.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from gateway.core.pii.escapes import (
    ESCAPE,
    UNCLEAR,
    Unit,
    read_backslash,
    read_entity,
    read_percent,
)
from gateway.core.pii.folding import INVISIBLE, MAX_INVISIBLE_RUN
from gateway.core.pii.markup import read_emphasis, read_tag, read_terminal_code


class Reader:
    """Take a text in pieces, give it as it is read; the result does not depend on the pieces.

    Of more than ``MAX_INVISIBLE_RUN`` invisible things in a row the rest is dropped, so that nobody
    can make the scrubber hold text without end.
    """

    __slots__ = ("_held", "_last", "_run")

    def __init__(self) -> None:
        self._held = ""
        self._last = ""  # the last visible character
        self._run = 0  # invisible things since then

    def feed(self, delta: str) -> tuple[str, dict[int, str] | None]:
        """Return the text that is read now, and by offset in it what was written instead, if any.

        Text is held back while it may become something else than it seems to be.
        """
        if not self._held and _SPECIAL(delta) is None:
            if delta:
                self._run = 0
                self._last = delta[-1]
            return delta, None
        return self._read(self._held + delta, is_end=False)

    def held(self) -> int:
        """Return how many characters wait."""
        return len(self._held)

    def finish(self) -> tuple[str, dict[int, str] | None]:
        """Return the rest, taken for what it is so far."""
        return self._read(self._held, is_end=True)

    def _read(self, text: str, *, is_end: bool) -> tuple[str, dict[int, str] | None]:
        read: list[str] = []
        written: dict[int, str] = {}
        at, size, self._held = 0, len(text), ""
        while at < size:
            char = text[at]
            unit = self._unit(char, text, at) if char in _BEGINNINGS else None
            if unit is UNCLEAR:
                if not is_end:
                    self._held = text[at:]
                    break
                unit = None
            plain, length = unit or (char, 1)
            if self._is_kept(plain):
                if unit is not None:
                    written[len(read)] = text[at : at + length]
                read.append(plain)
            at += length
        return "".join(read), written or None

    def _unit(self, char: str, text: str, at: int) -> Unit:
        if char in "*~":
            return read_emphasis(text, at, self._last)
        unit = (ESCAPE, 1) if char == ESCAPE else _READERS[char](text, at)
        if unit is not None and unit[0] == ESCAPE:
            return read_terminal_code(text, at, at + unit[1])
        return unit

    def _is_kept(self, char: str) -> bool:
        if char in INVISIBLE:
            self._run += 1
            return self._run <= MAX_INVISIBLE_RUN
        self._run = 0
        self._last = char
        return True


_READERS: Final[dict[str, Callable[[str, int], Unit]]] = {
    "&": read_entity,
    "%": read_percent,
    "\\": read_backslash,
    "<": read_tag,
}
_BEGINNINGS: Final = frozenset({*_READERS, "*", "~", ESCAPE})
# The engine looks up characters of the basic plane in a table and all others one by one, so those
# are one range; what is no invisible character after all is told apart later.
_SPECIAL: Final = re.compile(
    "["
    + "".join(sorted(re.escape(c) for c in _BEGINNINGS | INVISIBLE if c < "\U000e0000"))
    + "\U000e0000-\U000e0fff]"
).search
