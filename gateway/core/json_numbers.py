"""Numbers of JSON on their way to a scrubber, and what is left of them behind it.

``1.3800138e10`` holds a telephone number for whoever parses it, and for no detector, so it is
written out. Of a number that was replaced nothing stays.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

# What a number may stand in; a part of a longer word is no number.
_WORD: Final = re.compile(r"[A-Za-z0-9_.+-]+|[^A-Za-z0-9_.+-]+")
_WITH_EXPONENT: Final = re.compile(r"-?[0-9]+(?:\.[0-9]+)?[eE][+-]?[0-9]{1,3}")
_LONGEST_WORD: Final = 40
_MAX_DIGITS: Final = 40


class PlainNumbers:
    """Text of JSON outside its strings in, the same out with all exponents written out.

    What is no such number, or is longer written out than any personal data, stays as it is. The
    cuts do not matter: a word is held back until it is over, or longer than any number.
    """

    __slots__ = ("_is_long", "_word")

    def __init__(self) -> None:
        self._word = ""
        self._is_long = False  # the present word is too long to be a number

    def feed(self, text: str) -> str:
        """Accept *text*; return what is known to be complete."""
        out: list[str] = []
        for piece in _WORD.findall(text):
            if not (piece[0].isascii() and (piece[0].isalnum() or piece[0] in "_.+-")):
                out += [self.finish(), piece]
            elif self._is_long:
                out.append(piece)
            else:
                self._word += piece
                if len(self._word) > _LONGEST_WORD:
                    out.append(self._word)
                    self._word = ""
                    self._is_long = True
        return "".join(out)

    def finish(self) -> str:
        """Return the rest: the last word is over."""
        word, self._word = self._word, ""
        self._is_long = False
        return _written_out(word) if _WITH_EXPONENT.fullmatch(word) else word


def _written_out(number: str) -> str:
    value = Decimal(number)
    if not -_MAX_DIGITS < value.adjusted() < _MAX_DIGITS:
        return number
    digits = f"{value:f}"
    return digits if "." in digits else f"{digits}.0"  # it stays a float


class WholeValues:
    """Scrubbed text of JSON outside its strings in, the same out without what is left of numbers.

    A value that was replaced is a string there; digits and the fraction behind it would break the
    JSON, and they are a part of the value.
    """

    __slots__ = ("_before", "_is_behind", "_is_inside")

    def __init__(self) -> None:
        self._is_inside = False
        self._is_behind = False  # only digits and points have come since a value
        self._before = ""  # the character before, inside a value

    def feed(self, text: str) -> str:
        """Return what of *text* stays."""
        if not (self._is_inside or self._is_behind or '"' in text):
            return text
        return "".join([char for char in text if self._stays(char)])

    def _stays(self, char: str) -> bool:
        if char == '"' and self._before != "\\":
            self._is_behind = self._is_inside
            self._is_inside = not self._is_inside
        elif self._is_behind:
            if char in ".0123456789":
                return False
            self._is_behind = False
        self._before = char if self._is_inside else ""
        return True
