"""A list of words is usable as it is."""

from gateway.core.pii.detectors.lists.pinyin_names import ROMANISED_SURNAMES


def test_words_are_folded_and_distinct() -> None:
    """Each word stands once, in the form in which checks get it."""
    assert len(set(ROMANISED_SURNAMES)) == len(ROMANISED_SURNAMES)
    assert all(word == word.lower() and word.isascii() for word in ROMANISED_SURNAMES)
    assert "nguyen" in ROMANISED_SURNAMES
