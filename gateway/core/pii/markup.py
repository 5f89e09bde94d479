"""Formatting that its reader does not see: tags, comments, emphasis, the codes of terminals.

What only formats is passed over. A tag or a comment in which a value might stand is text.
"""

from __future__ import annotations

import string
from typing import Final

from gateway.core.pii.detector import words_of
from gateway.core.pii.escapes import UNCLEAR, Unit

# How formatting is read: as an invisible sign that is not otherwise needed.
PASSED_OVER: Final = "\u2060"

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
# The codes of ECMA-48 §5.4 for colour and style: parameters, then a letter.
_IN_CODE: Final = frozenset(string.digits + ";:?")
_LONGEST_CODE: Final = 20
# With the space that may stand before the end, as in ``<br />``.
_TAGS: Final = _NAMED | {f"{name} " for name in _NAMED} | {"!----", "!-- --"}
_TAG_STARTS: Final = frozenset(name[:size] for name in _TAGS for size in range(1, len(name) + 1))


def read_tag(text: str, at: int) -> Unit:
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
        return UNCLEAR
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
        return UNCLEAR
    if text[end] != ">" or sum(map(str.isdigit, text[start:end])) > _MOST_DIGITS_OF_STYLE:
        return None
    return PASSED_OVER, end + 1 - at


def read_emphasis(text: str, at: int, last: str) -> Unit:
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
        return UNCLEAR
    following = text[end]
    masks = sign == "*" and last.isalnum() and (following.isalpha() or following == "@")
    return None if length == 1 or masks else (PASSED_OVER, 2)


def read_terminal_code(text: str, at: int, start: int) -> Unit:
    """Pass over ``ESC [ 1 ; 31 m``, which a terminal shows as colour; the bracket is at *start*."""
    if start == len(text):
        return UNCLEAR
    if text[start] != "[":
        return None
    end = start + 1
    while text[end : end + 1] in _IN_CODE and end - start < _LONGEST_CODE:
        end += 1
    if end == len(text):
        return UNCLEAR
    is_code = text[end].isascii() and text[end].isalpha()
    return (PASSED_OVER, end + 1 - at) if is_code else None
