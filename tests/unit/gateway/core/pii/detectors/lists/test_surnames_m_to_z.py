"""A list of words is usable as it is."""

from gateway.core.pii.detectors.lists.surnames_m_to_z import SURNAMES_M_TO_Z


def test_words_are_folded_and_distinct() -> None:
    """Each word stands once, in the form in which checks get it."""
    assert len(set(SURNAMES_M_TO_Z)) == len(SURNAMES_M_TO_Z)
    assert all(word == word.lower() and word.isascii() for word in SURNAMES_M_TO_Z)
    assert "papadakis" in SURNAMES_M_TO_Z
