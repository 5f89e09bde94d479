r"""Digits however they are said or written: Chinese numerals, English words, look-alike letters.

A pattern asks for one with ``\N``; its check then gets plain digits. Since such words are part of
ordinary language, a detector that uses ``\N`` needs a keyword or a checksum.
"""

from __future__ import annotations

import re
from typing import Final

CHINESE: Final = dict(
    zip(
        "零〇○洞一壹壱幺么弌二贰貳弍两兩三叁參叄参弎四肆五伍六陆陸七柒拐八捌九玖勾",
        "0000111111222222333333445566677788999",
        strict=True,
    )
)
# A reader takes these letters for digits, and a writer who hides a number counts on it.
LOOK_ALIKES: Final = {"o": "0", "l": "1", "i": "1"}
ENGLISH: Final = {
    "zero": "0",
    "oh": "0",
    "nought": "0",
    "nil": "0",
    "one": "1",
    "two": "2",
    "three": "3",
    "four": "4",
    "five": "5",
    "six": "6",
    "seven": "7",
    "eight": "8",
    "nine": "9",
    "niner": "9",
}
TIMES: Final = {"double": 2, "triple": 3, "treble": 3}
# What stands between "double" and its digit.
TIMES_GAP: Final = " -"

# Alternatives that begin alike are tried longest first, so none is ever tried again: the pattern
# reads each character a fixed number of times.
_SAID: Final = re.compile(
    rf"(?:({'|'.join(TIMES)})[{re.escape(TIMES_GAP)}]?)?"
    rf"({'|'.join(sorted(ENGLISH, key=len, reverse=True))}|\d|[{''.join(CHINESE)}])"
)
_LETTER_AS_DIGIT: Final = re.compile(r"(?<![a-z])[oli]+(?![a-z])")


def spell_digits(folded: str) -> str:
    """Return *folded* text with every digit that is said or looks like one written as a digit."""
    said = _SAID.sub(_digits, folded)
    return _LETTER_AS_DIGIT.sub(_look_alikes, said)


def _digits(found: re.Match[str]) -> str:
    times, said = found.groups()
    digit = ENGLISH.get(said) or CHINESE.get(said) or said
    return digit * TIMES.get(times, 1)


def _look_alikes(found: re.Match[str]) -> str:
    return "".join([LOOK_ALIKES[char] for char in found.group()])
