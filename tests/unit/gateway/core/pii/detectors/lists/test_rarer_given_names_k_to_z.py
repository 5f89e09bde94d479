"""A list of words is usable as it is."""

from gateway.core.pii.detectors.lists.rarer_given_names_k_to_z import RARER_K_TO_Z


def test_words_are_folded_and_distinct() -> None:
    """Each word stands once, in the form in which checks get it."""
    assert len(set(RARER_K_TO_Z)) == len(RARER_K_TO_Z)
    assert all(word == word.lower() and word.isascii() for word in RARER_K_TO_Z)
    assert "svitlana" in RARER_K_TO_Z
