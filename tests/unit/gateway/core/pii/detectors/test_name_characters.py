"""Weights of the characters of names."""

from gateway.core.pii.detectors.name_characters import (
    COMPOUND_SURNAMES,
    GIVEN_WEIGHTS,
    SURNAME_WEIGHTS,
    UNUSUAL_WEIGHT,
)


def test_every_character_has_one_weight() -> None:
    """Surnames and given characters are single characters, and none weighs as little as others."""
    for weights in (SURNAME_WEIGHTS, GIVEN_WEIGHTS):
        assert all(len(char) == 1 for char in weights)
        assert min(weights.values()) > UNUSUAL_WEIGHT
    assert len(SURNAME_WEIGHTS) > 500
    assert len(GIVEN_WEIGHTS) > 1500


def test_compound_surnames_have_two_characters_or_more() -> None:
    """No compound surname is a single one."""
    assert all(len(name) >= 2 for name in COMPOUND_SURNAMES)
    assert {"欧阳", "司马", "诸葛", "上官", "尉迟"} <= set(COMPOUND_SURNAMES)


def test_telling_characters_weigh_more_than_common_ones() -> None:
    """A character of names speaks for one, a character of prose against."""
    assert GIVEN_WEIGHTS["婷"] > GIVEN_WEIGHTS["国"]
    assert SURNAME_WEIGHTS["郭"] > SURNAME_WEIGHTS["和"]
