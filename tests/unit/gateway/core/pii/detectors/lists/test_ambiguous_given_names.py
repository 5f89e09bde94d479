"""A list of words is usable as it is."""

from gateway.core.pii.detectors.lists.ambiguous_given_names import AMBIGUOUS_GIVEN_NAMES


def test_words_are_folded_and_distinct() -> None:
    """Each word stands once, in the form in which checks get it."""
    assert len(set(AMBIGUOUS_GIVEN_NAMES)) == len(AMBIGUOUS_GIVEN_NAMES)
    assert all(word == word.lower() and word.isascii() for word in AMBIGUOUS_GIVEN_NAMES)
    assert "april" in AMBIGUOUS_GIVEN_NAMES
