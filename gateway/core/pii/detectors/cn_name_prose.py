"""Names of people in running Chinese text, told by their characters and by what stands around them.

The less speaks for a name around it, the more its own characters must. What a word before or behind
is worth was worked out from newspaper text (see ``name_surroundings``).
"""

from __future__ import annotations

from typing import Final, NamedTuple

from gateway.core.pii.detector import Detector, words_of
from gateway.core.pii.detectors.name_surroundings import (
    BEHIND,
    BEHIND_FOR_SURE,
    UNLIKELY_BEHIND,
    weight_before,
)
from gateway.core.pii.detectors.name_weights import (
    LISTS,
    SHORT,
    is_private,
    is_private_entry,
    name_weight,
    pattern_of,
)
from gateway.core.pii.detectors.words_before import WORDS_BEFORE

# So much must a name weigh whose surname might end the word before it.
_BEYOND_WORD: Final = 11
_NUMERALS: Final = frozenset("一二三四五六七八九十百千万亿两几数每半整0123456789")
# Compound surnames that are ordinary words as well.
_DIRECTIONS: Final = frozenset(words_of("东方 西门 南门 东门 北宫 东宫 百里 第五 东里 东郭 南郭"))
# What a word that somebody follows weighs at least.
_CLEAR: Final = 3
# What 先生 and 女士 begin with: a name that ends so has rather lost its title.
_TITLE_HALVES: Final = frozenset("先女")
_ENUMERATES: Final = ("、", ":", "|", "\t", "@", "「", "“", '"')


def _ends_a_word(name: str, before: str) -> bool:
    """Say whether the surname is rather the end of a word, as in ``非常``, or counts things."""
    if name[:SHORT] in _DIRECTIONS and weight_before(before) < _CLEAR:
        return True
    ends = before[-1:] in _NUMERALS or before[-1:] + name[:1] in WORDS_BEFORE
    return ends and name_weight(name) < _BEYOND_WORD


def _has_half_a_title(name: str) -> bool:
    return len(name) > SHORT and name[-1] in _TITLE_HALVES


class _Least(NamedTuple):
    """What names of two characters and longer ones must weigh, and what at least for any reason."""

    short: int
    long: int
    for_any: int

    def pattern(self, surnames: str) -> str:
        """Return the pattern of what may weigh enough after the best of words."""
        return pattern_of(surnames, short=self.short - self.for_any, long=self.long - self.for_any)

    def holds(self, name: str, gained: int) -> bool:
        """Say whether *name* weighs enough together with what was *gained* by the words before."""
        least = self.short if len(name) == SHORT else self.long
        return name_weight(name) + min(gained, self.for_any) >= least


_WITHIN_LEAST: Final = _Least(short=9, long=7, for_any=5)
_LAST_LEAST: Final = _Least(short=6, long=5, for_any=4)
_BEFORE_VERB_LEAST: Final = _Least(short=7, long=5, for_any=4)
_ALONE_LEAST: Final = _Least(short=3, long=3, for_any=3)


def _is_first(value: str, before: str) -> bool:
    return is_private(value, before) and not _has_half_a_title(value)


def _is_within(value: str, before: str) -> bool:
    return (
        _WITHIN_LEAST.holds(value, weight_before(before))
        and _is_first(value, before)
        and not _ends_a_word(value, before)
    )


def _is_last(value: str, before: str) -> bool:
    return (
        _LAST_LEAST.holds(value, weight_before(before))
        and _is_first(value, before)
        and not _ends_a_word(value, before)
    )


def _is_before_verb(value: str, before: str) -> bool:
    return (
        _BEFORE_VERB_LEAST.holds(value, weight_before(before))
        and is_private(value, before)
        and not _ends_a_word(value, before)
    )


def _is_listed(value: str, before: str) -> bool:
    return value[:SHORT] not in _DIRECTIONS and is_private_entry(value, before)


def _is_alone(value: str, before: str) -> bool:
    gained = 3 if before.endswith(_ENUMERATES) else 0
    return _ALONE_LEAST.holds(value, gained) and _is_listed(value, before)


_FOLLOWED: Final = Detector(
    label="NAME",
    name="cn-name-followed",
    pattern=pattern_of("any_surname", short=4, long=2),
    lists={**LISTS, "behind": BEHIND},
    not_after=r"[\h0-9]",
    followed_by="<behind>",
    check=is_private,
)

_FOLLOWED_FOR_SURE: Final = Detector(
    label="NAME",
    name="cn-name-followed-for-sure",
    pattern=pattern_of("any_surname", short=2, long=0),
    lists={**LISTS, "behind": BEHIND_FOR_SURE},
    not_after=r"[\h0-9]",
    followed_by="<behind>",
    check=is_private,
)

_LISTED: Final = Detector(
    label="NAME",
    name="cn-name-listed",
    pattern=pattern_of("any_surname", short=1, long=0),
    lists=LISTS,
    not_after=r"[\h0-9]",
    followed_by="、",
    check=_is_listed,
)


def _is_spaced(value: str, before: str) -> bool:
    return before[-1:] in {" ", ":"} and is_private_entry(value, before)


_LISTED_WITH_SPACES: Final = Detector(
    label="NAME",
    name="cn-name-listed-with-spaces",
    pattern=pattern_of("any_surname", short=2, long=1),
    lists=LISTS,
    not_after=r"[\h0-9a-z]",
    followed_by=r" [\h(\[|]",
    check=_is_spaced,
)

_ALONE: Final = Detector(
    label="NAME",
    name="cn-name-alone",
    pattern=_ALONE_LEAST.pattern("any_surname"),
    lists=LISTS,
    not_after=r"[\h0-9]",
    not_before=r"\h",
    check=_is_alone,
)

_FIRST: Final = Detector(
    label="NAME",
    name="cn-name-first",
    pattern=pattern_of("any_surname", short=8, long=5),
    lists={**LISTS, "unlikely": UNLIKELY_BEHIND},
    not_after=r"[\h0-9]",
    not_before="<unlikely>",
    check=_is_first,
)

_LAST: Final = Detector(
    label="NAME",
    name="cn-name-last",
    pattern=_LAST_LEAST.pattern("surname"),
    lists=LISTS,
    not_before=r"\h",
    check=_is_last,
)

_BEFORE_VERB: Final = Detector(
    label="NAME",
    name="cn-name-before-verb",
    pattern=_BEFORE_VERB_LEAST.pattern("surname"),
    lists={**LISTS, "behind": BEHIND_FOR_SURE},
    followed_by="<behind>",
    check=_is_before_verb,
)

_WITHIN: Final = Detector(
    label="NAME",
    name="cn-name-within",
    pattern=_WITHIN_LEAST.pattern("surname"),
    lists={**LISTS, "unlikely": UNLIKELY_BEHIND},
    not_before="<unlikely>",
    check=_is_within,
)

CN_NAMES_IN_PROSE: Final = (
    _FOLLOWED,
    _FOLLOWED_FOR_SURE,
    _LISTED,
    _LISTED_WITH_SPACES,
    _ALONE,
    _FIRST,
    _LAST,
    _BEFORE_VERB,
    _WITHIN,
)
