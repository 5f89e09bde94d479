"""A list of words is usable as it is."""

from gateway.core.pii.detectors.lists.given_names_i_to_o import I_TO_O


def test_words_are_folded_and_distinct() -> None:
    """Each word stands once, in the form in which checks get it."""
    assert len(set(I_TO_O)) == len(I_TO_O)
    assert all(word == word.lower() and word.isascii() for word in I_TO_O)
    assert "kwame" in I_TO_O
