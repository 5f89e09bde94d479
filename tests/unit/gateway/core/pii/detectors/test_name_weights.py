"""How much characters speak for a name."""

import pytest

from gateway.core.pii.detectors.name_weights import (
    LISTS,
    is_private,
    is_public,
    is_word,
    name_weight,
    pattern_of,
)
from gateway.core.pii.syntax import parse_pattern


def test_names_weigh_more_than_prose() -> None:
    """A surname with given characters weighs a lot, two frequent characters little."""
    assert name_weight("赵丽娟") > 10
    assert name_weight("于是") < 0
    assert name_weight("慕容婉") > 6


@pytest.mark.parametrize("name", ["鲁迅", "李小", "孙悟", "李白"])
def test_public_figures_are_public(name: str) -> None:
    """A public figure is none of our business, nor is the first half of its name."""
    assert is_public(name)


@pytest.mark.parametrize("name", ["李小兰", "陈雅萍", "李白梅婷"])
def test_who_only_begins_like_a_public_figure_is_not_public(name: str) -> None:
    """A longer name of its own is private."""
    assert not is_public(name)


@pytest.mark.parametrize("name", ["安全", "白玉兰", "王先生", "丰功伟"])
def test_words_are_words(name: str) -> None:
    """Words, beginnings of phrases, and a surname with a title are no names."""
    assert is_word(name)
    assert not is_private(name, "")


def test_a_name_may_begin_with_a_word() -> None:
    """What weighs enough is a name whatever its first two characters mean."""
    assert is_private("白玉莹", "")


def test_patterns_are_of_the_language() -> None:
    """The pattern of names can be parsed, and higher demands make it shorter."""
    low, high = pattern_of("surname", short=4, long=3), pattern_of("surname", short=9, long=9)
    parse_pattern(low, LISTS)
    parse_pattern(high, LISTS)
    assert len(high) < len(low)
