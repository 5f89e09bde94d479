r"""Characters that are written as something else: entities, percent encoding, backslash escapes.

Each reader gives the character and how much was written, or says that there is none or that the
text ends too early to tell.
"""

from __future__ import annotations

import html
import string
import sys
from typing import Final

from gateway.core.pii.detector import words_of

# A thing that is read: the character for it, and how much was written. None: nothing of the kind.
Unit = tuple[str, int] | None
# The text ends before it is clear.
UNCLEAR: Final = ("", 0)
# What begins a code of a terminal (ECMA-48 §5.4); alone it shows nothing.
ESCAPE: Final = "\x1b"

_HEX: Final = frozenset(string.hexdigits)
_OCTAL: Final = frozenset(string.octdigits)
# Three octal digits of printable ASCII begin so.
_OCTAL_STARTS: Final = frozenset("01")
_LONGEST_BRACED: Final = 6
_NAMES: Final = frozenset(
    words_of(
        "amp lt gt quot apos nbsp commat period sol bsol lowbar hyphen dash middot ensp emsp "
        "thinsp colon comma plus num lpar rpar ast zwj zwnj shy NewLine Tab ZeroWidthSpace minus "
        "ndash mdash equals vert excl semi lsqb rsqb numsp puncsp hairsp bull middot "
        "hellip NoBreak rarr larr"
    )
)
_NAME_STARTS: Final = frozenset(name[:size] for name in _NAMES for size in range(len(name) + 1))
_LONGEST_NUMBER: Final = 8
_MOST_BACKSLASHES: Final = 4
_CONTROLS: Final = {"n": "\n", "t": "\t", "r": "\r", "/": "/", "e": ESCAPE}
_ESCAPABLE: Final = frozenset(string.punctuation) - {"\\"}


def read_entity(text: str, at: int) -> Unit:
    """Read ``&name;``, ``&#1;``, ``&#x1;`` and the same with ``&amp;`` for the first sign."""
    start = at + 1
    if text.startswith("&amp;", at):
        if len(text) == at + 5:
            return UNCLEAR
        if text[at + 5] != "#":
            return "&", 5
        start = at + 5
    end = start
    is_number = text[start : start + 1] == "#"
    while end < len(text) and text[end] != ";":
        body = text[start : end + 1]
        if not (_is_number_start(body) if is_number else body in _NAME_STARTS):
            return None
        end += 1
    if end == len(text):
        return UNCLEAR
    if not is_number and text[start:end] not in _NAMES:
        return None
    plain = html.unescape(f"&{text[start:end]};")
    return (plain, end + 1 - at) if len(plain) == 1 else None


def _is_number_start(body: str) -> bool:
    digits = body[1:]
    if digits[:1] in {"x", "X"}:
        return len(body) <= _LONGEST_NUMBER and _HEX.issuperset(digits[1:])
    return len(body) <= _LONGEST_NUMBER and (not digits or (digits.isascii() and digits.isdigit()))


def read_percent(text: str, at: int) -> Unit:
    """Read ``%31``, ``%2531`` and the several bytes of a character in UTF-8."""
    data = bytearray()
    needed, end = 1, at
    while len(data) < needed:
        byte, length = _read_byte(text, end)
        if length == 0:
            return UNCLEAR if byte == 0 else None
        data.append(byte)
        needed = _utf8_length(data[0])
        end += length
    try:
        plain = data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return (plain, end - at) if plain.isprintable() else None


def _read_byte(text: str, at: int) -> tuple[int, int]:
    """Return the byte that is written at *at* and the length of that; (0, 0) if not clear yet.

    (1, 0) says that there is none.
    """
    if text[at : at + 1] not in {"%", ""}:
        return 1, 0
    code = text[at + 1 : at + 3]
    if not _HEX.issuperset(code):
        return 1, 0
    if len(code) < 2:
        return 0, 0
    if code == "25":
        again = text[at + 3 : at + 5]
        if _HEX.issuperset(again):
            return (int(again, 16), 5) if len(again) == 2 else (0, 0)
    return int(code, 16), 3


def _utf8_length(first: int) -> int:
    return 1 + (first >= 0xC2) + (first >= 0xE0) + (first >= 0xF0)


def read_backslash(text: str, at: int) -> Unit:
    r"""Read an escape behind one to four backslashes, as JSON within JSON has it."""
    end = at
    while text[end : end + 1] == "\\" and end - at < _MOST_BACKSLASHES:
        end += 1
    sign = text[end : end + 1]
    if not sign:
        return UNCLEAR
    if sign in _CONTROLS:
        return _CONTROLS[sign], end + 1 - at
    if sign in {"u", "x"}:
        braced = text[end + 1 : end + 2] == "{"
        return _read_braced(text, at, end + 2) if braced else _read_code(text, at, end)
    if sign in _OCTAL_STARTS:
        return _read_octal(text, at, end)
    return (sign, end + 1 - at) if sign in _ESCAPABLE else None


def _read_octal(text: str, at: int, start: int) -> Unit:
    r"""Read the three digits of ``\064`` as far as they are printable ASCII."""
    digits = text[start : start + 3]
    if not _OCTAL.issuperset(digits):
        return None
    if len(digits) < 3:
        return UNCLEAR
    plain = chr(int(digits, 8))
    is_shown = plain.isprintable() or plain == ESCAPE
    return (plain, start + 3 - at) if is_shown else None


def _read_braced(text: str, at: int, start: int) -> Unit:
    r"""Read the digits of ``\u{31}``, the first of which is at *start*."""
    end = start
    while text[end : end + 1] in _HEX and end - start <= _LONGEST_BRACED:
        end += 1
    if end == len(text):
        return UNCLEAR
    if text[end] != "}" or not 0 < end - start <= _LONGEST_BRACED:
        return None
    code = int(text[start:end], 16)
    is_character = 0x20 <= code <= sys.maxunicode and not 0xD800 <= code <= 0xDFFF
    return (chr(code), end + 1 - at) if is_character else None


def _read_code(text: str, at: int, sign: int) -> Unit:
    r"""Read the digits of ``\u`` or ``\x``; the letter is at *sign*.

    The two halves of a surrogate pair are one character.
    """
    size = 4 if text[sign] == "u" else 2
    digits = text[sign + 1 : sign + 1 + size]
    if not _HEX.issuperset(digits):
        return None
    if len(digits) < size:
        return UNCLEAR
    code, end = int(digits, 16), sign + 1 + size
    if not 0xD800 <= code <= 0xDFFF:
        return (chr(code), end - at) if code >= 0x20 or chr(code) == ESCAPE else None
    second = text[end : end + sign - at + 5]
    lead = text[at : sign + 1]
    low = second[len(lead) :]
    if code >= 0xDC00 or not lead.startswith(second[: len(lead)]) or not _HEX.issuperset(low):
        return None
    if len(low) < 4:
        return UNCLEAR
    pair = 0x10000 + ((code - 0xD800) << 10) + (int(low, 16) - 0xDC00)
    return (chr(pair), end + len(second) - at) if 0xDC00 <= int(low, 16) <= 0xDFFF else None
