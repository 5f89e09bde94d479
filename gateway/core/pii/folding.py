"""How a written character is read: folded to a plain one, or passed over as invisible.

Patterns are written for ASCII and common Chinese characters. Full-width forms, digits of every
script, styled letters, look-alike letters, decorations and the many spaces and dashes of Unicode
are folded one character at a time, so that offsets in the folded and in the written text are the
same and no look-ahead is needed.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Final

# Zero-width and direction marks, soft hyphen, variation selectors, tags, combining marks, and the
# letters and signs of several scripts that show nothing (fillers, inherent vowels, the braille
# blank, marks of annotations and of music): they change nothing of what a reader sees in a number,
# so a pattern steps over them.
_INVISIBLE_RANGES: Final = (
    (0x00AD, 0x00AD),
    (0x0300, 0x036F),
    (0x0483, 0x0489),
    (0x061C, 0x061C),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x200B, 0x200F),
    (0x202A, 0x202E),
    (0x2060, 0x206F),
    (0x1AB0, 0x1ACE),
    (0x1DC0, 0x1DFF),
    (0x20D0, 0x20F0),
    (0x2800, 0x2800),
    (0x3164, 0x3164),
    (0xFE00, 0xFE0F),
    (0xFE20, 0xFE2F),
    (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0),
    (0xFFF9, 0xFFFC),
    (0x1D173, 0x1D17A),
    (0xE0001, 0xE007F),
    (0xE0100, 0xE01EF),
)
# Letters and digits in circles, brackets, full-width and mathematical styles, super- and
# subscripts; Chinese radicals and compatibility forms of Chinese characters.
_STYLED_RANGES: Final = (
    (0x00AA, 0x00BA),
    (0x02B0, 0x02B8),
    (0x1D2C, 0x1D6A),
    (0x2070, 0x209C),
    (0x2100, 0x214F),
    (0x2460, 0x24FF),
    (0x2F00, 0x2FD5),
    (0x3220, 0x3247),
    (0x3280, 0x32B0),
    (0xF900, 0xFAFF),
    (0xFE30, 0xFE6F),
    (0xFF01, 0xFF5E),
    (0x1D400, 0x1D7FF),
    (0x1F100, 0x1F12B),
)
# Emoji, arrows, bullets, boxes, stars: whatever decorates. Units of measure, currencies and the
# signs of mathematics say something, and are not among them.
_DECORATING_RANGES: Final = (
    (0x2190, 0x21FF),
    (0x2300, 0x245F),
    (0x2500, 0x25CA),
    (0x25CC, 0x27BF),
    (0x27F0, 0x27FF),
    (0x2900, 0x297F),
    (0x2B00, 0x2BFF),
    (0x3004, 0x3004),
    (0x3012, 0x3013),
    (0x1F000, 0x1F0FF),
    (0x1F18F, 0x1F1FF),
    (0x1F300, 0x1FAFF),
)
_OTHER_DECORATIONS: Final = "†‡※‣⁂⁃⁎⁑⁕⁜№℗℠℡¦¨¸˙"
# Capitals on a dark ground, which Unicode does not call compatible with plain ones.
_DARK_RANGES: Final = ((0x1F130, 0x1F149), (0x1F150, 0x1F169), (0x1F170, 0x1F189))
_SMALL_CAPITALS: Final = dict(
    zip("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ", "abcdefghijklmnoprstuvwyz", strict=True)
)
# Cyrillic, Armenian and Greek letters that look like Latin ones. A text in those scripts loses
# nothing, since only replaced values change; it is merely read with other letters.
_LOOK_ALIKES: Final = dict(
    zip(
        "аеорсухіјѕԁԛԝһӏбοανικυρτϲѵցոսօհАВЕЗКМНОРСТУХІЈЅԌΑΒΕΖΗΙΚΜΝΟΡΤΥΧɡɑ",
        "aeopcyxijsdqwhl6OavikuptcvgnuohABE3KMHOPCTYXIJSGABEZHIKMNOPTYXga",
        strict=True,
    )
)
# The numerals of Chinese traders (Suzhou numerals), which Unicode does not count as digits.
_TRADERS_NUMERALS: Final = dict(zip("〡〢〣〤〥〦〧〨〩", "123456789", strict=True))
_SPACES: Final = (
    "\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
)
_DASHES: Final = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2e3a\ufe58\ufe63\uff0d\u30fc"
_DOTS: Final = "\u2022\u2027\u2219\u22c5\u30fb\uff65\u00b7\u2024"
# Latin letters with marks are read as their base letter, as when the mark comes separately.
_ACCENTED_RANGES: Final = ((0x00C0, 0x024F), (0x1E00, 0x1EFF))
_LETTERS_WITHOUT_PARTS: Final = dict(zip("ØøŁłĐđĦħıŊŋŦŧÐð", "OoLlDdHhiNnTtDd", strict=True))
_LAST_SCRIPT_WITH_DIGITS: Final = 0x1FFFF

# More invisible characters in a row than this serve no script and no emoji; the rest are dropped,
# so that nobody can make the scrubber hold text without end.
MAX_INVISIBLE_RUN: Final = 32


def _invisible() -> frozenset[str]:
    return frozenset(chr(c) for low, high in _INVISIBLE_RANGES for c in range(low, high + 1))


def _decorations() -> Iterator[str]:
    """Give the signs that may stand anywhere in a number for show, each read as a middle dot."""
    yield from _OTHER_DECORATIONS
    for low, high in _DECORATING_RANGES:
        yield from map(chr, range(low, high + 1))


def _accented_letters() -> Iterator[tuple[str, str]]:
    for low, high in _ACCENTED_RANGES:
        for code in range(low, high + 1):
            base = unicodedata.normalize("NFKD", chr(code))[0]
            if base.isascii() and base.isalpha():
                yield chr(code), base


def _readings() -> dict[str, str]:
    readings = {chr(c): chr(c) for c in range(0x80)}
    for low, high in _STYLED_RANGES:
        for code in range(low, high + 1):
            plain = unicodedata.normalize("NFKC", chr(code))
            plain = plain.strip("().,\u3014\u3015") or plain  # as in ⑴ and ⒈
            if len(plain) == 1 and plain != chr(code) and not plain.isspace():
                readings[chr(code)] = plain
    for code in range(0x80, _LAST_SCRIPT_WITH_DIGITS):
        value = unicodedata.digit(chr(code), None)
        if value is not None:
            readings[chr(code)] = str(value)
    for low, high in _DARK_RANGES:
        readings.update({chr(code): chr(code - low + ord("A")) for code in range(low, high + 1)})
    readings.update(_accented_letters())
    readings.update(_LETTERS_WITHOUT_PARTS)
    readings.update(_SMALL_CAPITALS)
    readings.update(_LOOK_ALIKES)
    readings.update(_TRADERS_NUMERALS)
    readings["\u2019"] = "'"
    readings.update(dict.fromkeys(_SPACES, " "))
    readings.update(dict.fromkeys(_DASHES, "-"))
    readings.update(dict.fromkeys(_DOTS, "·"))
    for sign in _decorations():
        readings.setdefault(sign, "·")
    return {w: r for w, r in readings.items() if w not in INVISIBLE and r not in INVISIBLE}


INVISIBLE: Final = _invisible()
# How a character is read, upper and lower case kept apart; what is not here is read as it is.
READ: Final = _readings()
# The same in lower case: the form that checks get.
FOLD: Final = {written: plain.lower() for written, plain in READ.items()}
_FOLDED: Final = (FOLD | dict.fromkeys(INVISIBLE, "")).get


def spellings(plain: frozenset[str]) -> frozenset[str]:
    """Return every written character that is read as one of the *plain* ones."""
    return plain | {written for written, read in READ.items() if read in plain}


def fold(text: str) -> str:
    """Return *text* as checks read it: folded, in lower case, without invisible characters."""
    if text.isascii():
        return text.lower()
    return "".join(map(_FOLDED, text, text))


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
