"""The benchmark's report."""

from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from loadtests.report import BARS, as_markdown, describe_faults, judge, write_report
from loadtests.stats import Row


def row(target: str, *, cpu: float, faults: tuple[str, ...] = ()) -> Row:
    """Return a row of the paced load."""
    return Row(
        target=target,
        load="paced",
        tokens=1000,
        requests=10,
        seconds=1.0,
        cpu_seconds=cpu,
        first_token_seconds=(0.01, 0.02),
        lateness_seconds=(),
        faults=faults,
    )


@pytest.mark.parametrize(("cpu", "is_met"), [(0.03, True), (0.04, True), (0.05, False)])
def test_bar_is_a_ratio_within_the_run(cpu: float, *, is_met: bool) -> None:
    """The gateway is judged by its CPU time over that of the yardstick in the same run."""
    [verdict] = judge([row("gateway-sealed", cpu=cpu), row("nginx", cpu=0.01)])
    assert verdict.bar == BARS[0]
    assert verdict.is_met is is_met
    assert ("MISSED" in str(verdict)) is not is_met


def test_no_verdict_without_both_sides() -> None:
    """Where the yardstick was not measured nothing is claimed."""
    assert judge([row("gateway-sealed", cpu=0.01)]) == []


def test_table_names_every_row() -> None:
    """Each row is a line of the table, and what was not measured is a dash."""
    lines = as_markdown([row("direct", cpu=0.0), row("nginx", cpu=0.01)]).splitlines()
    assert len(lines) == 4
    assert "direct" in lines[2]
    assert "–" in lines[2]
    assert "10.0 / 20.0" in lines[3]


def test_report_is_written_in_both_shapes(tmp_path: Path) -> None:
    """The report can be read by a person and by a program, faults included."""
    rows = [row("nginx", cpu=0.01, faults=("lost", "lost"))]
    write_report(tmp_path / "report", rows, at=datetime(2026, 1, 2, tzinfo=UTC))
    value = orjson.loads((tmp_path / "report" / "bench.json").read_bytes())
    assert value["rows"][0]["faults"] == ["lost", "lost"]
    assert "nginx, paced: lost (2 x)" in (tmp_path / "report" / "bench.md").read_text()
    assert describe_faults(rows) == ["nginx, paced: lost (2 x)"]
