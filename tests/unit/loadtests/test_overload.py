"""What is said of overload."""

from __future__ import annotations

from dataclasses import replace

import pytest

from loadtests.overload import Cell

GOOD = Cell("a flood", (5.0,) * 99, (9.0,) * 99, 0, {"401": 7, "429": 3}, (2.0,) * 3)


def test_what_was_promised_is_kept() -> None:
    """Little slower, nothing failed, refusals soon; a load without refusals is none late."""
    assert GOOD.judge() == []
    assert replace(GOOD, refusals_ms=()).judge() == []
    assert GOOD.as_row() == (
        "| a flood | 5.0 / 5.0 | 9.0 / 9.0 | 2.0 / 2.0 | 0 | 7 × 401, 3 × 429 |"
    )


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (replace(GOOD, beside_ms=(15.1,) * 99), "3.0 times slower"),
        (replace(GOOD, failed=1), "1 good calls failed"),
        (replace(GOOD, refusals_ms=(51.0,)), "refusals late"),
    ],
)
def test_a_broken_promise_is_said(broken: Cell, said: str) -> None:
    """Each of the three is named with its load."""
    [fault] = broken.judge()
    assert fault.startswith("a flood: ")
    assert said in fault
