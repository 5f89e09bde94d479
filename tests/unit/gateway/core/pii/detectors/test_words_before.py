"""Words that end with a surname."""

from gateway.core.pii.detectors.name_characters import SURNAME_WEIGHTS
from gateway.core.pii.detectors.words_before import WORDS_BEFORE


def test_all_end_with_a_surname() -> None:
    """Others could not be taken for the word before a name."""
    assert all(len(word) == 2 and word[1] in SURNAME_WEIGHTS for word in WORDS_BEFORE)
    assert {"非常", "日益", "已经"} & WORDS_BEFORE
