"""A list of words is usable as it is."""

from gateway.core.pii.detectors.lists.more_words_l_to_z import WORDS_L_TO_Z


def test_words_are_folded_and_distinct() -> None:
    """Each word stands once, in the form in which checks get it."""
    assert len(set(WORDS_L_TO_Z)) == len(WORDS_L_TO_Z)
    assert all(word == word.lower() and word.isascii() for word in WORDS_L_TO_Z)
    assert "passport" in WORDS_L_TO_Z
