"""How much a row of Chinese characters speaks for a name, and patterns of rows that do.

The weights of ``name_characters`` are worked into the patterns, so that what weighs too little ends
early. Ordinary words, places and public figures are no names, whatever they weigh.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from gateway.core.pii.detectors.name_characters import (
    COMPOUND_SURNAMES,
    COMPOUND_WEIGHT,
    GIVEN_WEIGHTS,
    SURNAME_WEIGHTS,
    UNUSUAL_WEIGHT,
)
from gateway.core.pii.detectors.name_contexts import TITLES
from gateway.core.pii.detectors.ordinary_phrases import ORDINARY_PHRASES
from gateway.core.pii.detectors.ordinary_words import ORDINARY_WORDS
from gateway.core.pii.detectors.public_figures import PUBLIC_FIGURES

_COMPOUND: Final = frozenset(COMPOUND_SURNAMES)
SHORT: Final = 2  # characters of a name with a single given character
# The beginnings of public names, so that nobody is found in the first half of one.
_PUBLIC_STARTS: Final = frozenset(
    name[:size] for name in PUBLIC_FIGURES for size in range(SHORT, len(name))
)
# So much more must a name weigh that begins like a public one of two characters.
_BEYOND_PUBLIC: Final = 9
# So much must a name weigh that begins with a word, as ``白玉`` begins 白玉莹.
_BEYOND_WORD: Final = 9
_ORDINARY_STARTS: Final = frozenset(
    word[:size] for word in ORDINARY_PHRASES for size in range(3, len(word) + 1)
)
# Surnames that are also among the most frequent words; without a context the rarer ones of them
# would cost more than they find.
_LIGHTEST: Final = 1
_LIGHT_SURNAMES: Final = "于方万文华安常平明相应路关代门家经管解向司"
_GIVEN_RANGE: Final = range(min(GIVEN_WEIGHTS.values()), max(GIVEN_WEIGHTS.values()) + 1)
_SURNAME_RANGE: Final = range(min(SURNAME_WEIGHTS.values()), max(SURNAME_WEIGHTS.values()) + 1)
LISTS: Final[dict[str, Iterable[str]]] = {
    "surname": (*SURNAME_WEIGHTS, *COMPOUND_SURNAMES),
    "compound": COMPOUND_SURNAMES,
    **{
        f"surname{weight}": [
            char
            for char, own in SURNAME_WEIGHTS.items()
            if own == weight and (weight >= _LIGHTEST or char in _LIGHT_SURNAMES)
        ]
        for weight in _SURNAME_RANGE
    },
    **{
        f"any_surname{weight}": [char for char, own in SURNAME_WEIGHTS.items() if own == weight]
        for weight in _SURNAME_RANGE
    },
    **{f"is{w}": [char for char, own in GIVEN_WEIGHTS.items() if own == w] for w in _GIVEN_RANGE},
    **{f"over{w}": [char for char, own in GIVEN_WEIGHTS.items() if own >= w] for w in _GIVEN_RANGE},
}
TITLE_STARTS: Final = frozenset(title[:SHORT] for title in TITLES)


def name_weight(name: str) -> int:
    """Return how much the characters of *name* speak for a name; below 0 they speak against it."""
    weight, given = SURNAME_WEIGHTS.get(name[0], UNUSUAL_WEIGHT), name[1:]
    if name[:2] in _COMPOUND and len(name) > SHORT:
        weight, given = COMPOUND_WEIGHT, name[2:]
    return weight + sum([GIVEN_WEIGHTS.get(char, UNUSUAL_WEIGHT) for char in given])


def is_public(name: str) -> bool:
    """Say whether *name* is that of a public figure, or may be the beginning of one."""
    if name in PUBLIC_FIGURES:
        return True
    if name in _PUBLIC_STARTS:
        return True
    return name[:SHORT] in PUBLIC_FIGURES and name_weight(name) < _BEYOND_PUBLIC


def is_word(name: str) -> bool:
    """Say whether *name* is an ordinary word, begins with one, or is a surname with a title."""
    if name in _ORDINARY_STARTS:
        return True
    if name[:2] in _COMPOUND and len(name) > SHORT:
        return False
    if is_titled(name):
        return True
    return name[:2] in ORDINARY_WORDS and (len(name) == SHORT or name_weight(name) < _BEYOND_WORD)


def is_private_entry(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    """Say whether *value*, which stands alone, is neither a word nor a public figure; a check."""
    if value in ORDINARY_WORDS or value in ORDINARY_PHRASES or is_titled(value):
        return False
    return not is_public(value)


def is_titled(name: str) -> bool:
    """Say whether *name* is only a surname with a title."""
    return name[1:] in TITLE_STARTS


def is_private(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    """Say whether *value* is neither a word nor a public figure; a check of detectors."""
    return not is_word(value) and not is_public(value)


def pattern_of(surnames: str, *, short: int, long: int) -> str:
    """Return the pattern of names of two characters that weigh *short* and longer ones of *long*.

    *surnames* says which of ``LISTS``: ``surname`` without those that are frequent words, or
    ``any_surname``.
    """
    options = [
        f"<{surnames}{weight}>({_given(short - weight, long - weight)})"
        for weight in _SURNAME_RANGE
        if LISTS[f"{surnames}{weight}"] and _given(short - weight, long - weight)
    ]
    rest = long - COMPOUND_WEIGHT
    return "|".join([*options, f"<compound>({_given(rest, rest)})"])


def _given(one: int, two: int) -> str:
    """Return the pattern of one given character of weight *one*, or of two that weigh *two*."""
    options = [f"<over{max(one, _GIVEN_RANGE[0])}>"] if one <= _GIVEN_RANGE[-1] else []
    for weight in _GIVEN_RANGE:
        rest = max(two - weight, _GIVEN_RANGE[0])
        if rest <= _GIVEN_RANGE[-1]:
            options.append(f"<is{weight}><over{rest}>")
    return "|".join(options)
