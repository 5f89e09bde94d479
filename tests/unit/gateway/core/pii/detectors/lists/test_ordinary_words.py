"""A list of words is usable as it is."""

from gateway.core.pii.detectors.lists.ordinary_words import ORDINARY_WORDS


def test_words_are_folded_and_distinct() -> None:
    """Each word stands once, in the form in which checks get it."""
    assert len(set(ORDINARY_WORDS)) == len(ORDINARY_WORDS)
    assert all(word == word.lower() and word.isascii() for word in ORDINARY_WORDS)
    assert "station" in ORDINARY_WORDS
