"""Which values can still matter."""

import pytest

from gateway.core.pii.detector import Detector
from gateway.core.pii.matches import Match, covers, first_of, with_candidate
from gateway.core.pii.state import Accept

LETTER = Detector(label="X", pattern="a")


def match(begin: int, end: int, order: int = 0) -> Match:
    """Return a value from *begin* to *end*."""
    return Match(begin, end, Accept(LETTER, None, order))


@pytest.mark.parametrize(
    ("begin", "end", "covered"), [(2, 5, True), (3, 5, True), (1, 5, False), (3, 6, False)]
)
def test_a_value_inside_another_is_covered(begin: int, end: int, *, covered: bool) -> None:
    """Only a value that begins and ends within another one adds nothing."""
    assert covers(match(2, 5), match(begin, end), 0) is covered


def test_of_equals_the_first_declared_wins() -> None:
    """What is sent already does not count for where a value begins."""
    assert covers(match(2, 5, 0), match(2, 5, 1), 0)
    assert not covers(match(2, 5, 1), match(2, 5, 0), 0)
    assert covers(match(3, 5, 0), match(2, 5, 1), 4)


def test_a_longer_candidate_makes_shorter_ones_idle() -> None:
    """What lies inside goes, the new one as well as the old ones."""
    before, inside, level = match(1, 3), match(2, 4), match(3, 5)
    longer = match(2, 5)
    assert with_candidate([before, inside, level], longer, 0) == [before, longer]
    assert with_candidate([longer], inside, 0) == [longer]


def test_the_leftmost_then_longest_comes_first() -> None:
    """Then the one that is declared first."""
    left, longer, first = match(1, 2), match(2, 5, 1), match(2, 5, 0)
    assert first_of([longer, left, first], 0) is left
    assert first_of([longer, match(2, 4), first], 0) is first
