"""The figures on the page about sizing."""

from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from loadtests.report import write_report
from loadtests.results import Run
from loadtests.sizing import BEGIN, END, PAGE, main, sections, with_figures
from loadtests.thresholds import judge
from tests.unit.loadtests.test_results import row, run
from tests.unit.loadtests.test_thresholds import BOUND

AT = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)


@pytest.fixture
def report(tmp_path: Path) -> Path:
    """Return a folder with the report of a run, without any of vLLM."""
    rows = [row("direct", cpu=0.0), row("nginx", cpu=0.01), row("gateway-sealed", cpu=0.04)]
    done = Run(tuple(rows), run().weights, ("litellm: not installed",))
    write_report(tmp_path, done, judge(done, [BOUND]), at=AT)
    (tmp_path / "steps.md").write_text("| scrub | 12.0 |\n")
    return tmp_path


def test_cores_are_tokens_times_cost(report: Path) -> None:
    """40 µs a token for 30,000 tokens/s are 1.2 cores; what was not measured has no column."""
    text = "\n".join(sections(report))
    [line] = [line for line in text.splitlines() if "8B model, at best" in line and "one" in line]
    assert [cell.strip() for cell in line.split("|")[2:-1]] == ["30,000", "1.2"]
    assert "| 25,000 " in text
    assert "4 (4–4)" in text


def test_what_one_worker_carried_at_most_is_said(report: Path) -> None:
    """25 µs for each of 40,000 tokens a second is a whole core; other workers do not count."""
    point: dict[str, object] = {
        "target": "workers-1-sealed",
        "streams": 9,
        "tokens_per_second": 1e4,
    }
    points = [
        point | {"cpu_microseconds_per_token": 60.0},
        point | {"tokens_per_second": 4e4, "cpu_microseconds_per_token": 25.0},
        point | {"target": "workers-2-sealed", "tokens_per_second": 9e4},
    ]
    (report / "scaling.json").write_bytes(orjson.dumps({"points": points}))
    text = "\n".join(sections(report))
    assert "40,000 tokens/s (9 streams) with 1.00 of a core, 25.0 µs" in text


def test_the_page_says_of_when_and_what_is_missing(report: Path) -> None:
    """Date and machine are there, and so is what was left out; missing reports have no heading."""
    text = "\n".join(sections(report))
    assert "2026-01-02 03:04 UTC, 1 rounds" in text
    assert "Left out: litellm: not installed." in text
    assert "| scrub | 12.0 |" in text
    assert "### vLLM" not in text


def test_only_the_figures_of_a_page_are_replaced(report: Path, tmp_path: Path) -> None:
    """Writing twice gives the same page, and what stands around the figures stays."""
    page = tmp_path / "page.md"
    page.write_text(f"before\n\n{BEGIN}\nold\n{END}\n\nafter\n")
    for _ in range(2):
        assert main(["--report", str(report), "--page", str(page)]) == 0
    text = page.read_text("utf-8")
    assert text.startswith(f"before\n\n{BEGIN}\n\n")
    assert text.endswith(f"\n\n{END}\n\nafter\n")
    assert text.count("### Cores") == 1
    assert "old" not in text


def test_a_page_without_a_place_is_refused(tmp_path: Path) -> None:
    """Figures never land somewhere else, and without a report nothing is written."""
    with pytest.raises(ValueError, match="no place"):
        with_figures("nothing", ["1"])
    with_figures(PAGE.read_text("utf-8"), ["1"])
    assert main(["--report", str(tmp_path / "none")]) == 1
