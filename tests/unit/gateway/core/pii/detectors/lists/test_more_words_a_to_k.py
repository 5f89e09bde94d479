"""A list of words is usable as it is."""

from gateway.core.pii.detectors.lists.more_words_a_to_k import WORDS_A_TO_K


def test_words_are_folded_and_distinct() -> None:
    """Each word stands once, in the form in which checks get it."""
    assert len(set(WORDS_A_TO_K)) == len(WORDS_A_TO_K)
    assert all(word == word.lower() and word.isascii() for word in WORDS_A_TO_K)
    assert "janitor" in WORDS_A_TO_K
