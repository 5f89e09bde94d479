"""What the words around a possible name are worth."""

import pytest

from gateway.core.pii.detectors.name_surroundings import BEHIND, BEHIND_FOR_SURE, weight_before


@pytest.mark.parametrize(
    ("before", "weight"),
    [("本报记者", 5), ("他的同事", 5), ("车间主任", 5), ("催款函寄给", 3), ("", 0), ("路上", 0)],
)
def test_words_before_have_their_weight(before: str, weight: int) -> None:
    """A word for a person before the place speaks for a name, most other words say nothing."""
    assert weight_before(before) == weight


def test_the_longest_word_counts() -> None:
    """Of several words that fit the longest counts, so a person is not read as a syllable."""
    assert weight_before("的负责人") > weight_before("的人")


def test_nothing_that_is_certain_is_missing_at_the_beginning_of_a_sentence() -> None:
    """A verb that follows a name in the middle of a sentence follows one at its beginning too."""
    assert {"说", "已", "把"} <= set(BEHIND) & set(BEHIND_FOR_SURE)
