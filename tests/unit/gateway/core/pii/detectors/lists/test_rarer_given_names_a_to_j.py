"""A list of words is usable as it is."""

from gateway.core.pii.detectors.lists.rarer_given_names_a_to_j import RARER_A_TO_J


def test_words_are_folded_and_distinct() -> None:
    """Each word stands once, in the form in which checks get it."""
    assert len(set(RARER_A_TO_J)) == len(RARER_A_TO_J)
    assert all(word == word.lower() and word.isascii() for word in RARER_A_TO_J)
    assert "aoibheann" in RARER_A_TO_J
