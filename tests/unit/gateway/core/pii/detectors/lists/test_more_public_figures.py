"""A list of words is usable as it is."""

from gateway.core.pii.detectors.lists.more_public_figures import MORE_PUBLIC_FIGURES


def test_words_are_folded_and_distinct() -> None:
    """Each word stands once, in the form in which checks get it."""
    assert len(set(MORE_PUBLIC_FIGURES)) == len(MORE_PUBLIC_FIGURES)
    assert all(word == word.lower() and word.isascii() for word in MORE_PUBLIC_FIGURES)
    assert "grace kelly" in MORE_PUBLIC_FIGURES
