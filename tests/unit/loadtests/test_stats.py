"""The arithmetic of the benchmark."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.stats import Row, percentile, ratio


@pytest.mark.parametrize(("share", "expected"), [(0.0, 1), (0.5, 2), (0.75, 3), (0.99, 4), (1, 4)])
def test_percentile_is_a_measured_value(share: float, expected: float) -> None:
    """A percentile is one of the values, never something in between."""
    assert percentile([4, 2, 3, 1], share) == expected


@given(st.lists(st.floats(allow_nan=False), min_size=1), st.floats(0, 1))
def test_percentile_covers_its_share(values: list[float], share: float) -> None:
    """At least the share asked for does not exceed the percentile."""
    limit = percentile(values, share)
    assert sum(value <= limit for value in values) >= share * len(values)


def test_nothing_measured_is_not_a_number() -> None:
    """An empty measurement gives NaN and not zero, which would look like a good result."""
    assert math.isnan(percentile([], 0.5))
    assert math.isnan(ratio(1.0, 0.0))


def test_row_derives_its_figures() -> None:
    """Rates and costs follow from tokens, wall time and CPU time."""
    row = Row(
        target="t",
        load="l",
        tokens=1000,
        requests=10,
        seconds=2.0,
        cpu_seconds=0.02,
        first_token_seconds=(),
        lateness_seconds=(),
        faults=(),
    )
    assert row.tokens_per_second == 500
    assert row.cpu_microseconds_per_token == pytest.approx(20)
    assert row.tokens_per_core_second == pytest.approx(50_000)
