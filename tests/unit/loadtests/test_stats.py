"""The arithmetic of the benchmark."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.stats import QUANTILES, Row, Spread, percentile, percentiles, ratio, slope


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
    assert math.isnan(Spread.of([math.nan]).median)
    assert math.isnan(slope([(1.0, 1.0)]))


def test_quantiles_are_sorted_once_and_agree() -> None:
    """Many percentiles of the same values are those that one would ask for one by one."""
    values = [float(value) for value in range(1000, 0, -1)]
    assert percentiles(values, QUANTILES) == [percentile(values, share) for share in QUANTILES]


@pytest.mark.parametrize(("values", "median"), [([3, 1, 2], 2), ([4, 1, 2, 3], 2.5), ([7], 7)])
def test_spread_is_median_lowest_and_highest(values: list[float], median: float) -> None:
    """A spread says where the middle is and how far rounds lie apart."""
    spread = Spread.of([*values, math.nan])
    assert spread == Spread(median, min(values), max(values))


def test_slope_is_that_of_the_line() -> None:
    """Memory that grows by 3 MB an hour has that slope, whatever it began with."""
    assert slope([(0.0, 5.0), (1.0, 8.0), (2.0, 11.0)]) == pytest.approx(3.0)


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
        latency_seconds=(),
        gap_seconds=(),
        faults=(),
    )
    assert row.tokens_per_second == 500
    assert row.cpu_microseconds_per_token == pytest.approx(20)
    assert row.cpu_milliseconds_per_request == pytest.approx(2.0)
    assert row.tokens_per_core_second == pytest.approx(50_000)
