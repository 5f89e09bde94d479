"""How a written character is read: folded to a plain one, or passed over as invisible.

Patterns are written for lower-case ASCII. Full-width forms, digits of every script, styled letters
and the many spaces and dashes of Unicode are folded to it one character at a time, so that offsets
in the folded and in the written text are the same and no look-ahead is needed.
"""

from __future__ import annotations

import unicodedata
from typing import Final

# Zero-width and direction marks, soft hyphen, variation selectors, tags and combining marks: they
# change nothing of what a reader sees in a number, so a pattern steps over them.
_INVISIBLE_RANGES: Final = (
    (0x00AD, 0x00AD),
    (0x0300, 0x036F),
    (0x061C, 0x061C),
    (0x180B, 0x180F),
    (0x200B, 0x200F),
    (0x202A, 0x202E),
    (0x2060, 0x206F),
    (0x20D0, 0x20F0),
    (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF),
    (0xE0001, 0xE007F),
    (0xE0100, 0xE01EF),
)
# Letters and digits in circles, full-width and mathematical styles, super- and subscripts.
_STYLED_RANGES: Final = (
    (0x00B2, 0x00B9),
    (0x2070, 0x209C),
    (0x2460, 0x24FF),
    (0xFF01, 0xFF5E),
    (0x1D400, 0x1D7FF),
)
_SPACES: Final = (
    "\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
)
_DASHES: Final = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"
_LAST_SCRIPT_WITH_DIGITS: Final = 0x1FFFF

# More invisible characters in a row than this serve no script and no emoji; the rest are dropped,
# so that nobody can make the scrubber hold text without end.
MAX_INVISIBLE_RUN: Final = 32


def _invisible() -> frozenset[str]:
    return frozenset(chr(c) for low, high in _INVISIBLE_RANGES for c in range(low, high + 1))


def _folds() -> dict[str, str]:
    folds = {chr(c): chr(c).lower() for c in range(0x80)}
    for low, high in _STYLED_RANGES:
        for code in range(low, high + 1):
            plain = unicodedata.normalize("NFKC", chr(code)).lower()
            if len(plain) == 1 and plain.isascii():
                folds[chr(code)] = plain
    for code in range(0x80, _LAST_SCRIPT_WITH_DIGITS):
        value = unicodedata.digit(chr(code), None)
        if value is not None:
            folds[chr(code)] = str(value)
    folds.update(dict.fromkeys(_SPACES, " "))
    folds.update(dict.fromkeys(_DASHES, "-"))
    return folds


INVISIBLE: Final = _invisible()
FOLD: Final = _folds()


def spellings(plain: frozenset[str]) -> frozenset[str]:
    """Return every written character that is read as one of the *plain* ones."""
    return plain | {written for written, read in FOLD.items() if read in plain}


def fold(text: str) -> str:
    """Return *text* as the patterns read it: folded, without invisible characters."""
    if text.isascii():
        return text.lower()
    return "".join([FOLD.get(char, char) for char in text if char not in INVISIBLE])


class InvisibleLimiter:
    """Pass text on, but no more than ``MAX_INVISIBLE_RUN`` invisible characters in a row.

    The result, joined, does not depend on how the text is cut.
    """

    __slots__ = ("_run",)

    def __init__(self) -> None:
        self._run = 0

    def feed(self, delta: str) -> str:
        """Return *delta* without the surplus."""
        if delta.isascii():
            self._run = 0 if delta else self._run
            return delta
        if INVISIBLE.isdisjoint(delta):
            self._run = 0
            return delta
        kept: list[str] = []
        for char in delta:
            self._run = self._run + 1 if char in INVISIBLE else 0
            if self._run <= MAX_INVISIBLE_RUN:
                kept.append(char)
        return "".join(kept)
