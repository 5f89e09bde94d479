"""What a run is held to."""

import math
from dataclasses import replace

import pytest

from loadtests.thresholds import FILE, Bound, judge, parse_bounds, unjudged
from tests.unit.loadtests.test_results import row, run

BOUND = Bound(
    "cpu_per_token", "gateway-sealed", at_most=6.0, load="paced", over="nginx", bar=4.0, goal=2.5
)


@pytest.mark.parametrize(
    ("cpu", "holds", "meets_bar"), [(0.04, True, True), (0.05, True, False), (0.07, False, False)]
)
def test_a_bound_and_a_bar_are_told_apart(cpu: float, *, holds: bool, meets_bar: bool) -> None:
    """A bar that is known to be missed is said; only what got worse fails."""
    [verdict] = judge(run(row("gateway-sealed", cpu=cpu), row("nginx", cpu=0.01)), [BOUND])
    assert (verdict.holds, verdict.meets_bar) == (holds, meets_bar)
    assert ("WORSE" in str(verdict)) is not holds
    assert ("MISSED" in str(verdict)) is not meets_bar


def test_no_verdict_without_both_sides() -> None:
    """Where the yardstick was not measured nothing is claimed, and that is said."""
    assert judge(run(row("gateway-sealed", cpu=0.01)), [BOUND]) == []
    [said] = unjudged([], [BOUND])
    assert said.endswith("paced: cpu per token of gateway-sealed over nginx")
    verdicts = judge(run(row("gateway-sealed", cpu=0.04), row("nginx", cpu=0.01)), [BOUND])
    assert unjudged(verdicts, [BOUND]) == []


def test_what_is_no_number_does_not_hold() -> None:
    """A figure that could not be computed is not good news."""
    [verdict] = judge(run(row("gateway-sealed", cpu=0.01), row("nginx", cpu=0.0)), [BOUND])
    assert math.isnan(verdict.measured.median)
    assert not verdict.holds


def test_the_shipped_bounds_can_be_judged() -> None:
    """Each bound in the file names a figure that exists."""
    bounds = parse_bounds(FILE.read_text("utf-8"))
    targets = {name for bound in bounds for name in (bound.of, bound.over) if name}
    rows = [
        replace(row(target, cpu=0.01), load=load)
        for load in ("paced", "flood", "whole")
        for target in sorted({"direct", *targets})
    ]
    assert len(judge(run(*rows), bounds)) == len(bounds)
