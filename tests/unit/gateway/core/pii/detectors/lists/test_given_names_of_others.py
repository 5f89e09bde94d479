"""A list of words is usable as it is."""

from gateway.core.pii.detectors.lists.given_names_of_others import NOT_ALONE


def test_words_are_folded_and_distinct() -> None:
    """Each word stands once, in the form in which checks get it."""
    assert len(set(NOT_ALONE)) == len(NOT_ALONE)
    assert all(word == word.lower() and word.isascii() for word in NOT_ALONE)
    assert "cinderella" in NOT_ALONE
