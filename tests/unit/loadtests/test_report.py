"""The benchmark's report."""

from datetime import UTC, datetime
from pathlib import Path

import orjson

from loadtests.report import as_markdown, describe_faults, describe_machine, write_report
from loadtests.results import Run
from loadtests.thresholds import judge
from tests.unit.loadtests.test_results import row, run
from tests.unit.loadtests.test_thresholds import BOUND

AT = datetime(2026, 1, 2, tzinfo=UTC)


def test_table_names_every_target() -> None:
    """Each target is a line with its median and spread, and what was not measured is a dash."""
    rows = [row("direct", cpu=0.0), row("nginx", cpu=0.01), row("nginx", cpu=0.03)]
    lines = as_markdown(run(*rows)).splitlines()
    assert len(lines) == 4
    assert "direct" in lines[2]
    assert "–" in lines[2]
    assert "20.0 (10.0–30.0)" in lines[3]
    assert "10.0 / 20.0" in lines[3]


def test_report_is_written_in_both_shapes(tmp_path: Path) -> None:
    """A person and a program can read the report: verdicts, faults, and what was left out."""
    rows = (row("nginx", cpu=0.01, faults=("lost", "lost")), row("gateway-sealed", cpu=0.02))
    done = Run(rows, run().weights, ("litellm: not installed",))
    file = write_report(tmp_path / "report", done, judge(done, [BOUND]), at=AT)
    value = orjson.loads(file.read_bytes())
    assert [one["faults"] for one in value["rows"]] == [["lost", "lost"], []]
    assert value["bounds"][0]["holds"]
    text = file.with_suffix(".md").read_text("utf-8")
    assert "nginx, paced: lost (2 x)" in text
    assert "left out: litellm: not installed" in text
    assert "bar met" in text
    assert describe_faults(done) == ["nginx, paced: lost (2 x)"]


def test_machine_is_described_by_its_class() -> None:
    """Processors and Python are said, the machine's name is not."""
    assert " x " in describe_machine()
    assert Path("/proc/sys/kernel/hostname").read_text("utf-8").strip() not in describe_machine()
