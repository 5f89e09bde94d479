"""Which open values can still matter."""

import pytest

from gateway.core.pii.detector import Detector
from gateway.core.pii.machine import Machine
from gateway.core.pii.matches import Match, Thread, all_from, has_twin, is_covered, not_covered

LETTER = Detector(label="X", pattern="a")
LEAD = Detector(label="Y", pattern="@a", lead="[a]", lead_start="[a]", lead_limit=3)


def match(begin: int, end: int) -> Match:
    """Return a value from *begin* to *end*."""
    return Match(Thread(begin, Machine([LETTER]).starts[""]), end, LETTER)


@pytest.mark.parametrize(
    ("begin", "end", "covered"), [(2, 5, True), (3, 5, True), (1, 5, False), (3, 6, False)]
)
def test_a_value_inside_a_candidate_is_covered(begin: int, end: int, *, covered: bool) -> None:
    """Only a value that begins and ends within an older one adds nothing."""
    assert is_covered(match(begin, end), [match(2, 5)]) is covered


def test_a_longer_candidate_makes_shorter_ones_idle() -> None:
    """What lies inside the new candidate goes; what begins before it or ends with it stays."""
    before, inside, level = match(1, 3), match(2, 4), match(3, 5)
    assert not_covered([before, inside, level], match(2, 5)) == [before, level]


def test_candidates_are_compared_with_an_offset() -> None:
    """All must begin at the offset or after it."""
    assert all_from(2, [match(2, 3), match(5, 6)])
    assert not all_from(3, [match(2, 3), match(5, 6)])


def test_only_starts_with_the_same_future_are_twins() -> None:
    """Two leads in one state are as good as one; two values with ends of their own are not."""
    lead, letter = Machine([LEAD]).starts[""]["a"], Machine([LETTER]).starts[""]["a"]
    assert lead is not None
    assert letter is not None
    assert has_twin(lead, [Thread(0, lead)])
    assert not has_twin(lead, [Thread(0, letter)])
    assert not has_twin(letter, [Thread(0, letter)])
