"""A list of words is usable as it is."""

from gateway.core.pii.detectors.lists.public_figures import PUBLIC_FIGURES


def test_words_are_folded_and_distinct() -> None:
    """Each word stands once, in the form in which checks get it."""
    assert len(set(PUBLIC_FIGURES)) == len(PUBLIC_FIGURES)
    assert all(word == word.lower() and word.isascii() for word in PUBLIC_FIGURES)
    assert "richard feynman" in PUBLIC_FIGURES
