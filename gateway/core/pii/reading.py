r"""Read a text as its reader sees it: escapes decoded, formatting passed over, else unchanged.

What comes out is one character for each thing to read, together with what was written where the two
differ, so whatever is not replaced leaves exactly as it came. Known are HTML entities (also
escaped once more), percent encoding (likewise, and of UTF-8), ``\uXXXX``, ``\xXX``, ``\n`` and
escaped signs behind up to four backslashes, HTML tags that only format, comments, and the ``**``
and ``~~`` of Markdown. Only something that may still become one of these is held back.
"""

from __future__ import annotations

import html
import re
import string
import sys
from collections.abc import Callable
from typing import Final

from gateway.core.pii.detector import words_of
from gateway.core.pii.folding import INVISIBLE, MAX_INVISIBLE_RUN

# How formatting is read: as an invisible sign that is not otherwise needed.
PASSED_OVER: Final = "\u2060"

# A thing that is read: the character for it, and how much was written. None: nothing of the kind.
Unit = tuple[str, int] | None
# The text ends before it is clear.
_UNCLEAR: Final = ("", 0)

_HEX: Final = frozenset(string.hexdigits)
_OCTAL: Final = frozenset(string.octdigits)
# Three octal digits of printable ASCII begin so.
_OCTAL_STARTS: Final = frozenset("01")
_LONGEST_BRACED: Final = 6
_NAMES: Final = frozenset(
    words_of(
        "amp lt gt quot apos nbsp commat period sol bsol lowbar hyphen dash middot ensp emsp "
        "thinsp colon comma plus num lpar rpar ast zwj zwnj shy NewLine Tab ZeroWidthSpace minus "
        "ndash mdash equals vert excl semi lsqb rsqb numsp puncsp hairsp bull"
    )
)
_NAME_STARTS: Final = frozenset(name[:size] for name in _NAMES for size in range(len(name) + 1))
_LONGEST_NUMBER: Final = 8
_FORMATTING: Final = frozenset(
    words_of("b i u s em strong span font code mark sub sup small big del ins strike tt kbd wbr")
)
_BREAKING: Final = frozenset(words_of("br p li ul ol td th tr table div"))
_IN_COMMENT: Final = frozenset("!- ")
_IN_STYLE: Final = frozenset(string.ascii_letters + string.digits + " =\"'#:;,.%()-_")
_STYLES: Final = words_of("color style class size face")
_LONGEST_STYLE: Final = 60
_MOST_DIGITS_OF_STYLE: Final = 6
_NAMED: Final = _FORMATTING | _BREAKING
# With the space that may stand before the end, as in ``<br />``.
_TAGS: Final = _NAMED | {f"{name} " for name in _NAMED} | {"!----", "!-- --"}
_TAG_STARTS: Final = frozenset(name[:size] for name in _TAGS for size in range(1, len(name) + 1))
_MOST_BACKSLASHES: Final = 4
_CONTROLS: Final = {"n": "\n", "t": "\t", "r": "\r", "/": "/"}
_ESCAPABLE: Final = frozenset(string.punctuation) - {"\\"}


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
            if unit is _UNCLEAR:
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
            return _read_emphasis(text, at, self._last)
        return _READERS[char](text, at)

    def _is_kept(self, char: str) -> bool:
        if char in INVISIBLE:
            self._run += 1
            return self._run <= MAX_INVISIBLE_RUN
        self._run = 0
        self._last = char
        return True


def _read_entity(text: str, at: int) -> Unit:
    """Read ``&name;``, ``&#1;``, ``&#x1;`` and the same with ``&amp;`` for the first sign."""
    start = at + 1
    if text.startswith("&amp;", at):
        if len(text) == at + 5:
            return _UNCLEAR
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
        return _UNCLEAR
    if not is_number and text[start:end] not in _NAMES:
        return None
    plain = html.unescape(f"&{text[start:end]};")
    return (plain, end + 1 - at) if len(plain) == 1 else None


def _is_number_start(body: str) -> bool:
    digits = body[1:]
    if digits[:1] in {"x", "X"}:
        return len(body) <= _LONGEST_NUMBER and _HEX.issuperset(digits[1:])
    return len(body) <= _LONGEST_NUMBER and (not digits or (digits.isascii() and digits.isdigit()))


def _read_percent(text: str, at: int) -> Unit:
    """Read ``%31``, ``%2531`` and the several bytes of a character in UTF-8."""
    data = bytearray()
    needed, end = 1, at
    while len(data) < needed:
        byte, length = _read_byte(text, end)
        if length == 0:
            return _UNCLEAR if byte == 0 else None
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


def _read_backslash(text: str, at: int) -> Unit:
    r"""Read an escape behind one to four backslashes, as JSON within JSON has it."""
    end = at
    while text[end : end + 1] == "\\" and end - at < _MOST_BACKSLASHES:
        end += 1
    sign = text[end : end + 1]
    if not sign:
        return _UNCLEAR
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
        return _UNCLEAR
    plain = chr(int(digits, 8))
    return (plain, start + 3 - at) if plain.isprintable() else None


def _read_braced(text: str, at: int, start: int) -> Unit:
    r"""Read the digits of ``\u{31}``, the first of which is at *start*."""
    end = start
    while text[end : end + 1] in _HEX and end - start <= _LONGEST_BRACED:
        end += 1
    if end == len(text):
        return _UNCLEAR
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
        return _UNCLEAR
    code, end = int(digits, 16), sign + 1 + size
    if not 0xD800 <= code <= 0xDFFF:
        return (chr(code), end - at) if code >= 0x20 else None
    second = text[end : end + sign - at + 5]
    lead = text[at : sign + 1]
    low = second[len(lead) :]
    if code >= 0xDC00 or not lead.startswith(second[: len(lead)]) or not _HEX.issuperset(low):
        return None
    if len(low) < 4:
        return _UNCLEAR
    pair = 0x10000 + ((code - 0xD800) << 10) + (int(low, 16) - 0xDC00)
    return (chr(pair), end + len(second) - at) if 0xDC00 <= int(low, 16) <= 0xDFFF else None


def _read_tag(text: str, at: int) -> Unit:
    """Pass over a tag that formats; read a tag that begins a line or a cell as a newline.

    A tag with attributes in which a value might stand is text, and so is a comment that says
    anything.
    """
    start = at + 1 + (text[at + 1 : at + 2] == "/")
    end = start
    while (char := text[end : end + 1]).isalnum() or char in _IN_COMMENT:
        following = text[end + 1 : end + 2]
        if char == " " and following.isalpha() and text[start:end].lower() in _FORMATTING:
            return _read_attributes(text, at, end)
        end += 1
        if text[start:end].lower() not in _TAG_STARTS:
            return None
    if end + (char == "/") >= len(text):
        return _UNCLEAR
    name = text[start:end].lower()
    end += char == "/"
    if name not in _TAGS or text[end] != ">":
        return None
    return ("\n" if name.rstrip() in _BREAKING else PASSED_OVER), end + 1 - at


def _read_attributes(text: str, at: int, start: int) -> Unit:
    """Pass over a tag whose attributes, which begin at *start*, hold a style and can hold no value.

    A style is short, and no number of a person has as few digits.
    """
    name = text[start + 1 : start + 1 + _LONGEST_STYLE].partition("=")[0].lower()
    if not any(known.startswith(name) for known in _STYLES):
        return None
    end = start
    while text[end : end + 1] in _IN_STYLE and end - start < _LONGEST_STYLE:
        end += 1
    if end == len(text):
        return _UNCLEAR
    if text[end] != ">" or sum(map(str.isdigit, text[start:end])) > _MOST_DIGITS_OF_STYLE:
        return None
    return PASSED_OVER, end + 1 - at


def _read_emphasis(text: str, at: int, last: str) -> Unit:
    """Pass over exactly two ``*`` or ``~``, but not the two stars of a masked word.

    After a letter or digit, stars before a letter are a mask, as in ``j**n`` and ``z**@``.
    """
    sign = text[at]
    if last == sign:
        return None  # three in a row or more are no emphasis
    end = at
    while text[end : end + 1] == sign:
        end += 1
    length = end - at
    if length > 2:
        return None
    if end == len(text):
        return _UNCLEAR
    following = text[end]
    masks = sign == "*" and last.isalnum() and (following.isalpha() or following == "@")
    return None if length == 1 or masks else (PASSED_OVER, 2)


_READERS: Final[dict[str, Callable[[str, int], Unit]]] = {
    "&": _read_entity,
    "%": _read_percent,
    "\\": _read_backslash,
    "<": _read_tag,
}
_BEGINNINGS: Final = frozenset({*_READERS, "*", "~"})
# The engine looks up characters of the basic plane in a table and all others one by one, so those
# are one range; what is no invisible character after all is told apart later.
_SPECIAL: Final = re.compile(
    "["
    + "".join(sorted(re.escape(c) for c in _BEGINNINGS | INVISIBLE if c < "\U000e0000"))
    + "\U000e0000-\U000e0fff]"
).search
