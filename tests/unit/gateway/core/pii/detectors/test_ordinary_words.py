"""Words that look like names."""

from gateway.core.pii.detectors.name_characters import COMPOUND_SURNAMES, SURNAME_WEIGHTS
from gateway.core.pii.detectors.ordinary_words import ORDINARY_WORDS


def test_all_begin_with_a_surname() -> None:
    """Others are never taken for a name and need no place here."""
    assert all(
        word[0] in SURNAME_WEIGHTS or word[:2] in COMPOUND_SURNAMES for word in ORDINARY_WORDS
    )


def test_they_are_words() -> None:
    """No word is a single character."""
    assert all(len(word) >= 2 for word in ORDINARY_WORDS)
    assert {"高兴", "安全", "成都", "方便"} & ORDINARY_WORDS
