"""The foresight of a line."""

from __future__ import annotations

import pytest

from gateway.core.waiting_time import WaitingTime


def test_nothing_is_foreseen_before_two_were_served() -> None:
    """Who comes first is not refused for what nobody knows."""
    time = WaitingTime()
    assert time.expected(50) == 0
    time.serve(7.0)
    assert time.expected(50) == 0


def test_a_steady_line_is_foreseen() -> None:
    """Each one ahead takes as long as those before it did; new paces count soon."""
    time = WaitingTime()
    for number in range(10):
        time.serve(number * 0.5)
    assert time.expected(0) == pytest.approx(0.5)
    assert time.expected(9) == pytest.approx(5.0)
    for number in range(40):
        time.serve(10 + number * 2.0)
    assert time.expected(0) == pytest.approx(2.0, rel=0.05)
