"""What the rounds of a run come to."""

import pytest

from loadtests.measure import Start
from loadtests.results import Run, Weight
from loadtests.stats import QUANTILES, Row, Spread


def row(target: str, *, cpu: float, latency: float = 0.0, faults: tuple[str, ...] = ()) -> Row:
    """Return one round of the paced load."""
    return Row(
        target=target,
        load="paced",
        tokens=1000,
        requests=10,
        seconds=1.0,
        cpu_seconds=cpu,
        first_token_seconds=(0.01, 0.02),
        latency_seconds=(latency,) * 3,
        gap_seconds=(),
        faults=faults,
    )


def run(*rows: Row) -> Run:
    """Return a run of *rows*."""
    start = Start(seconds=2.0, cpu_seconds=1.0, idle_megabytes=100.0)
    return Run(rows, {"gateway-sealed": Weight(start, 120.0)})


def test_ratios_are_taken_within_a_round() -> None:
    """A machine that was slow for a round was slow for both."""
    done = run(row("a", cpu=0.04), row("a", cpu=0.4), row("b", cpu=0.01), row("b", cpu=0.1))
    found = done.find_ratio("cpu_per_token", "paced", of="a", over="b")
    assert found is not None
    assert found.median == pytest.approx(4.0)
    assert found.high == pytest.approx(found.low)
    assert done.find_ratio("cpu_per_token", "paced", of="a", over="c") is None


def test_added_latency_is_beyond_that_of_the_model_itself() -> None:
    """What the model and the client take for themselves is not put on a target."""
    done = run(row("direct", cpu=0.0, latency=0.001), row("a", cpu=0.1, latency=0.005))
    added = done.find_added_latency("paced", of="a")
    assert added is not None
    assert added.median == pytest.approx(4.0)
    assert run(row("a", cpu=0.1)).find_added_latency("paced", of="a") is None


def test_rounds_are_pooled_by_target_and_load() -> None:
    """Distributions and faults of all rounds are taken together."""
    done = run(row("a", cpu=0.1, latency=0.1, faults=("lost",)), row("a", cpu=0.3, latency=0.3))
    result = done.results["paced", "a"]
    assert result.faults == ["lost"]
    assert result.latency_seconds[0] == 0.1
    assert result.latency_seconds[-1] == 0.3
    assert len(result.first_token_seconds) == len(QUANTILES)
    assert result.spread(lambda one: one.cpu_seconds) == Spread(0.2, 0.1, 0.3)


def test_what_a_start_took_is_there_by_target() -> None:
    """Memory and start belong to a target, and are missing for one without a process."""
    found = run().find_absolute("idle_megabytes", of="gateway-sealed")
    assert found == Spread(100.0, 100.0, 100.0)
    assert run().find_absolute("idle_megabytes", of="direct") is None
