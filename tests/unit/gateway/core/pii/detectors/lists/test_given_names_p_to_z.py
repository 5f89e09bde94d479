"""A list of words is usable as it is."""

from gateway.core.pii.detectors.lists.given_names_p_to_z import P_TO_Z


def test_words_are_folded_and_distinct() -> None:
    """Each word stands once, in the form in which checks get it."""
    assert len(set(P_TO_Z)) == len(P_TO_Z)
    assert all(word == word.lower() and word.isascii() for word in P_TO_Z)
    assert "zofia" in P_TO_Z
