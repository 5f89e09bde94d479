"""The checks of the detectors of names: what was spelled names a private person, or does not.

Values and what stands before them are folded: lower case, without accents.
"""

from __future__ import annotations

import re
from typing import Final

from gateway.core.pii.detector import words_of
from gateway.core.pii.detectors.name_checks import (
    AMBIGUOUS,
    GIVEN,
    ROMANISED,
    SURNAMES,
    VIETNAMESE,
    ends_a_name,
    is_chinese,
    is_famous,
    is_known,
    is_mostly_personal,
    is_ordinary,
    is_pinyin,
    is_public,
    is_surname,
    is_telling,
    is_two_syllables,
    may_be_surname,
    name_words,
    stands_alone,
    surname_of,
    word_before,
)

_NO_PERSON: Final = re.compile(
    r"(?:file|host|domain|product|company|brand|function|class|table|column|field|package|model|"
    r"server|service|app|project|event|game|song|book|team|group|bucket|variable|city|place|"
    r"street|branch|code|method|tool|business|trade|organi[sz]ation|school|hospital|bank|"
    r"common|scientific|device|module|type|tag|key|display)[ _-]?names?\W*$"
)
_ASSIGNED: Final = re.compile(
    r"(?:[:=|\t\n]|\bis|\bme|\bnamed|\bcalled|_by|\bby|\bwith|\bto|\bof)[\s\"'*_\\]*$"
)
# Given names that are verbs as well, as at the head of an instruction.
_VERBS: Final = frozenset(words_of("mark grant rob price judge chuck frank merit max pat peg rich"))
_SENTENCE_START: Final = re.compile(r"(?:^|[.!?:\n*#>])[\s\"'*_-]*$")
_NO_INITIALS: Final = ("u.s", "u.k", "u.n", "e.u", "d.c", "l.a", "a.m", "p.m", "b.c", "a.d")
# An unknown surname behind initials counts within a line and below a greeting: else it is a list.
_IN_A_LINE: Final = re.compile(
    r"[a-z0-9,;:&)\]>|\"'][ \t\"'*_]*$|(?:regards|sincerely|faithfully|wishes|thanks|cheers),?\s+$"
)
# Digits and signs that are written for letters; 1 is i or l.
_IN_A_CELL: Final = re.compile(r"[|\t,;][ \"'*_]*$")
_LETTERS: Final = {ord(sign): letter for sign, letter in zip("013457@$!", "oieastasi", strict=True)}
_WIDE_GAP: Final = re.compile(r" +")
_TITLES: Final = frozenset(words_of("mr mrs ms miss mx dr prof sir dame rev capt lt sgt col"))
_NOT_AFTER_TITLE: Final = frozenset(
    words_of(
        "pepper strange dre seuss robot bean darcy watson who spock evil house no x god potter"
    )
)
_NO_GIVEN: Final = frozenset(
    words_of("saint mount lake fort port cape new san santa los las el la")
)


def _is_pair(value: str, before: str) -> bool:
    words, last = name_words(value), surname_of(value)
    if len(words) < 2 or is_public(value):
        return False
    first = words[0]
    if is_famous(last) and not is_ordinary(first) and last not in SURNAMES:
        return False
    if any(is_ordinary(word) and word not in GIVEN for word in words[1:-1]):
        return False
    if first in GIVEN:
        return may_be_surname(last)
    return first in AMBIGUOUS and _ends_ambiguous(first, last, before)


def _ends_ambiguous(first: str, last: str, before: str) -> bool:
    """Say whether *last* makes a name of *first*, which is a word or a place as well."""
    if is_surname(last) and last not in AMBIGUOUS:
        return True
    if not is_mostly_personal(first) or (first in _VERBS and _SENTENCE_START.search(before)):
        return False
    unknown = may_be_surname(last) and not is_ordinary(last) and last not in AMBIGUOUS
    return unknown or ends_a_name(last)


def _ends_a_pair(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    words = name_words(value)
    if len(words) < 2 or is_public(value):
        return False
    first, last = words[0], words[-1]
    if any(is_ordinary(word) for word in words[1:-1]):
        return False
    if is_two_syllables(value.rpartition(" ")[0]) and (last in ROMANISED or is_surname(last)):
        return True
    if last in VIETNAMESE:
        return len(first) < 7 and not is_ordinary(first)
    if last in ROMANISED and last not in SURNAMES:
        return len(first) > 4 and is_pinyin(first) and not is_ordinary(first)
    plain = len(first) > 2 and not is_ordinary(first) and first not in _NO_GIVEN
    return plain and is_surname(last) and not is_famous(last) and last not in AMBIGUOUS


def is_reversed(value: str, before: str) -> bool:
    """Say whether *value* is a surname, a comma and a given name."""
    words = name_words(value)
    if len(words) < 2 or is_public(value):
        return False
    last, first = words[0], words[1]
    if word_before(before) in GIVEN or (last in GIVEN and not is_telling(first)):
        return False  # the surname of somebody, and the next in a list
    if is_chinese(last, first) or (is_surname(last) and is_mostly_personal(first)):
        return True
    if first not in GIVEN:
        return last in ROMANISED and len(first) > 4 and is_pinyin(first)
    if is_surname(last) or last in AMBIGUOUS:
        return True
    return may_be_surname(last) and is_telling(first)


def is_surname_first(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    """Say whether *value* is a surname in capitals and a given name."""
    words = name_words(value)
    if len(words) < 2 or is_public(value):
        return False
    last, first = words[0], words[-1]
    if is_surname(last) or last in AMBIGUOUS:
        return first in GIVEN or is_mostly_personal(first)
    return len(last) > 3 and may_be_surname(last) and is_telling(first)


def has_initials(value: str, before: str) -> bool:
    """Say whether *value* is initials and a surname; an unknown one counts within a line."""
    words = name_words(value)
    if not words or is_public(value):
        return False
    if is_surname(words[-1]):
        return True
    if len(words[-1]) < 5 or not may_be_surname(words[-1]) or value.startswith(_NO_INITIALS):
        return False
    return _IN_A_LINE.search(before) is not None


def is_alone(value: str, before: str) -> bool:
    """Say whether *value* is a given name that means a person without more."""
    return stands_alone(value.partition("-")[0], before) or is_two_syllables(value)


def is_user(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    """Say whether *value* is a given name and a surname without capitals."""
    first, _, last = value.partition(" ")
    if not last:
        return len(first) > 3 and is_telling(first)
    if first in GIVEN or is_mostly_personal(first) or is_two_syllables(first):
        return last in ROMANISED or is_surname(last) or _is_double(last, first)
    return last in ROMANISED and len(first) > 3 and is_pinyin(first) and not is_ordinary(first)


def _is_double(last: str, first: str) -> bool:
    """Say whether *last* is an unknown surname, or one of two parts, behind a telling *first*."""
    telling = is_telling(first)
    return telling and all(len(part) > 3 and may_be_surname(part) for part in last.split("-"))


def _is_romanised(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    words = value.split()
    if is_public(value) or not 2 <= len(words) <= 3:
        return False
    if words[0] not in ROMANISED:
        return False
    surname, given = words[0], " ".join(words[1:])
    if is_chinese(surname, given):
        return True
    if surname in VIETNAMESE and all(len(word) < 7 and not is_ordinary(word) for word in words):
        return True
    if any(is_ordinary(word) or word in SURNAMES for word in words[1:]):
        return False
    short = len(given) < 5
    return is_pinyin(given) and not (short and (is_ordinary(surname) or surname in AMBIGUOUS))


def is_name(value: str, before: str) -> bool:
    """Say whether *value* is a given name and a surname in the order of their language."""
    return _is_pair(value, before) or _ends_a_pair(value, before) or _is_romanised(value, before)


def is_announced(value: str, before: str) -> bool:
    """Say whether *value* is what a field announces: known words, or any after a colon."""
    words = name_words(value)
    if not words or _is_no_name(words, value, before):
        return False
    if len(words) == 1 and _IN_A_CELL.search(before):
        return is_telling(words[0])
    if len(words) > 1 and before.endswith(", "):
        return True
    return _ASSIGNED.search(before) is not None or any(is_known(word) for word in words)


def _is_no_name(words: list[str], value: str, before: str) -> bool:
    """Say whether *words* behind a field are a title, another field, or somebody public."""
    first = words[0]
    if first in _TITLES or first in _NOT_AFTER_TITLE or _NO_PERSON.search(before):
        return True
    if is_ordinary(first) and not (len(words) > 1 and is_mostly_personal(first)):
        return True
    if any(is_ordinary(word) and not may_be_surname(word) for word in words[1:]):
        return True
    return is_public(value) and len(words) > 1


def is_disguised(value: str, before: str) -> bool:
    """Say whether *value* is a known name with digits for letters, or its letters spaced out."""
    joined = value if " " in value[2:] and len(value.split(maxsplit=1)[0]) > 1 else _joined(value)
    if any(char in "013457@$!" for char in value):
        plain = [joined.translate(_LETTERS), joined.translate(_LETTERS | {ord("1"): "l"})]
    elif joined != value:
        plain = [joined]
    else:
        return False
    return any(is_known(word) for name in plain for word in name_words(name)) and not (
        _NO_PERSON.search(before)
    )


def _joined(value: str) -> str:
    """Return *value* without the spaces behind single letters."""
    return _WIDE_GAP.sub(" ", value.replace("  ", "|").replace(" ", "").replace("|", " "))


def is_lower(value: str, before: str) -> bool:
    """Say whether *value* is a name without capitals in a field."""
    words = name_words(value)
    good = words and is_telling(words[0]) and not any(is_ordinary(word) for word in words)
    if len(words) == 1 and not is_telling(words[0]):
        return False
    if not good or is_public(value):
        return False
    return _ASSIGNED.search(before) is not None and not _NO_PERSON.search(before)


def has_title(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    """Say whether *value* is what may follow a title."""
    words = name_words(value)
    if not words or words[0] in _NOT_AFTER_TITLE or is_famous(words[-1]) or is_public(value):
        return False
    return all(may_be_surname(word) for word in words)


def is_greeted(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    """Say whether *value* is a known name, as in a salutation or a signature."""
    words = name_words(value)
    if not words or is_public(value) or is_famous(words[-1]):
        return False
    known = words[0] in GIVEN or is_surname(words[-1]) or words[0] in AMBIGUOUS - {"will", "may"}
    return known and all(may_be_surname(word) or word in AMBIGUOUS for word in words)
