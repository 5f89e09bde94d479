"""A list of words is usable as it is."""

from gateway.core.pii.detectors.lists.given_names_a_to_h import A_TO_H


def test_words_are_folded_and_distinct() -> None:
    """Each word stands once, in the form in which checks get it."""
    assert len(set(A_TO_H)) == len(A_TO_H)
    assert all(word == word.lower() and word.isascii() for word in A_TO_H)
    assert "emeka" in A_TO_H
