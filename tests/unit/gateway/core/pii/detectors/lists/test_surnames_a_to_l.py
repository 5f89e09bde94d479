"""A list of words is usable as it is."""

from gateway.core.pii.detectors.lists.surnames_a_to_l import SURNAMES_A_TO_L


def test_words_are_folded_and_distinct() -> None:
    """Each word stands once, in the form in which checks get it."""
    assert len(set(SURNAMES_A_TO_L)) == len(SURNAMES_A_TO_L)
    assert all(word == word.lower() and word.isascii() for word in SURNAMES_A_TO_L)
    assert "boateng" in SURNAMES_A_TO_L
