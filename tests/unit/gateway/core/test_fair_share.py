"""Shares of what is scarce."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.fair_share import is_within_share


def greedy(callers: int, everything: int, multiple: int) -> list[int]:
    """Return what each of *callers* has when all take as long as any of them may."""
    have, left, is_taking = [0] * callers, everything, True
    while is_taking:
        is_taking = False
        for caller in range(callers):
            if is_within_share(have[caller], left, multiple=multiple):
                have[caller] += 1
                left -= 1
                is_taking = True
    return have


@given(st.integers(1, 12), st.integers(0, 300), st.integers(1, 16))
def test_who_wants_most_gets_the_same(callers: int, everything: int, multiple: int) -> None:
    """Nobody gets more than there is or than another, and a newcomer finds something left."""
    have = greedy(callers, everything, multiple)
    assert max(have) - min(have) <= 1
    assert sum(have) <= everything
    if everything > callers * multiple:
        assert sum(have) < everything


def test_who_is_alone_gets_nearly_all() -> None:
    """Little is kept for others who may come, of few nothing."""
    assert greedy(1, 256, 16) == [241]
    assert greedy(2, 256, 16) == [125, 124]
    assert greedy(1, 4, 16) == [4]
