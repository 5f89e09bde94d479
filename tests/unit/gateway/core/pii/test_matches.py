"""Which values can still matter."""

import pytest

from gateway.core.pii.matches import Match, first_of, with_match


def match(begin: int, end: int, order: int = 0, *, certain: bool = True) -> Match:
    """Return a value from *begin* to *end*."""
    return Match(begin, end, order, certain=certain)


@pytest.mark.parametrize(
    ("begin", "end", "covered"), [(2, 5, True), (3, 5, True), (1, 5, False), (3, 6, False)]
)
def test_a_value_inside_another_is_covered(begin: int, end: int, *, covered: bool) -> None:
    """Only a value that begins and ends within another one adds nothing."""
    assert match(2, 5).covers(match(begin, end), 0) is covered


def test_of_equals_the_first_declared_wins() -> None:
    """What is sent already does not count for where a value begins."""
    assert match(2, 5, 0).covers(match(2, 5, 1), 0)
    assert not match(2, 5, 1).covers(match(2, 5, 0), 0)
    assert match(3, 5, 0).covers(match(2, 5, 1), 4)


def test_a_longer_certain_value_makes_shorter_ones_idle() -> None:
    """What lies inside goes, the new one as well as the old ones."""
    before, inside, level = match(1, 3), match(2, 4), match(3, 5)
    longer = match(2, 5)
    assert with_match([before, inside, level], longer, 0) == [before, longer]
    assert with_match([longer], inside, 0) == [longer]


def test_a_value_that_a_check_may_refuse_hides_nothing() -> None:
    """Until it is checked, what lies inside it is kept as well."""
    unclear, inside = match(1, 5, certain=False), match(2, 4)
    assert with_match([unclear], inside, 0) == [unclear, inside]
    assert with_match([inside], unclear, 0) == [inside, unclear]


def test_the_leftmost_then_longest_comes_first() -> None:
    """Then the one that is declared first."""
    left, longer, first = match(1, 2), match(2, 5, 1), match(2, 5, 0)
    assert first_of([longer, left, first], 0) is left
    assert first_of([longer, match(2, 4), first], 0) is first
