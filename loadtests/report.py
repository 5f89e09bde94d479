"""A run of the benchmark as Markdown for people and as JSON for programs and plots."""

import math
import platform
import subprocess
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from loadtests.results import Result, Run
from loadtests.stats import QUANTILES, Row, Spread
from loadtests.thresholds import Verdict

_PLOTS = Path(__file__).parents[1] / ".venv-bench-plots" / "bin" / "python"
_HALF, _ONE_PERCENT = QUANTILES.index(0.5), QUANTILES.index(0.99)
_HEADINGS = (
    "load",
    "target",
    "tokens/s",
    "CPU µs/token",
    "CPU ms/request",
    "tokens/s per core",
    "first token p50/p99 ms",
    "one way p50/p99 ms",
    "gap p50/p99 ms",
    "faults",
)
_EXPLAINED = (
    "Median (lowest–highest) of the rounds; CPU is that of the process tree between client and "
    "model. Where rounds lie far apart the machine was busy: trust the ratios."
)
_WEIGHTS = ("target", "start s", "start CPU s", "idle MB (PSS)", "after all loads MB (PSS)")


def table(headings: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table, padded so that it reads well as plain text too."""
    rows = [tuple(headings), *map(tuple, lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(headings))]
    padded = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([padded[0], rule, *padded[1:]])


def number(value: float, digits: int = 1) -> str:
    """Return *value* with its thousands apart, a dash where nothing was measured."""
    return "–" if math.isnan(value) else f"{value:,.{digits}f}"


def spread(value: Spread, digits: int = 1) -> str:
    """Return the median, and lowest and highest where they differ."""
    if value.low == value.high or math.isnan(value.median):
        return number(value.median, digits)
    low, high = number(value.low, digits), number(value.high, digits)
    return f"{number(value.median, digits)} ({low}–{high})"


def as_markdown(run: Run) -> str:
    """Return every load of every target as a table, the loads one after the other."""
    results = sorted(run.results.values(), key=lambda result: _place(run, result))
    return table(_HEADINGS, [_cells(result) for result in results])


def _place(run: Run, result: Result) -> tuple[int, int]:
    loads = list(dict.fromkeys(row.load for row in run.rows))
    targets = list(dict.fromkeys(row.target for row in run.rows))
    return loads.index(result.load), targets.index(result.target)


def _pair(quantiles: Sequence[float]) -> str:
    return f"{number(quantiles[_HALF] * 1e3)} / {number(quantiles[_ONE_PERCENT] * 1e3)}"


def _cpu(result: Result, figure: Callable[[Row], float], digits: int) -> str:
    measured = any(row.cpu_seconds for row in result.rows)
    return spread(result.spread(figure), digits) if measured else "–"


def _cells(result: Result) -> tuple[str, ...]:
    return (
        result.load,
        result.target,
        spread(result.spread(lambda row: row.tokens_per_second), 0),
        _cpu(result, lambda row: row.cpu_microseconds_per_token, 1),
        _cpu(result, lambda row: row.cpu_milliseconds_per_request, 3),
        _cpu(result, lambda row: row.tokens_per_core_second, 0),
        _pair(result.first_token_seconds),
        _pair(result.latency_seconds),
        _pair(result.gap_seconds),
        str(len(result.faults)),
    )


def weights_as_markdown(run: Run) -> str:
    """Return what each contender weighs and what its start took."""
    lines = [
        (
            target,
            number(weight.start.seconds, 2),
            number(weight.start.cpu_seconds, 2),
            number(weight.start.idle_megabytes),
            number(weight.loaded_megabytes),
        )
        for target, weight in run.weights.items()
    ]
    return table(_WEIGHTS, lines)


def describe_faults(run: Run) -> list[str]:
    """Return each kind of fault once per result, with how often it was seen."""
    return [
        f"{result.target}, {result.load}: {fault} ({result.faults.count(fault)} x)"
        for result in run.results.values()
        for fault in sorted(set(result.faults))
    ]


def describe_machine() -> str:
    """Return the class of this machine: processors and Python, nothing that names it."""
    lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{len(models)} x {models[0] if models else '?'}, Python {platform.python_version()}"


def whole_text(run: Run, verdicts: Sequence[Verdict], *, at: datetime) -> str:
    """Return the report for people."""
    parts = [
        f"# Load test of {at:%Y-%m-%d %H:%M} UTC",
        f"{describe_machine()}. {_EXPLAINED}",
        "## Bars",
        _listed(map(str, verdicts)),
        "## Loads",
        as_markdown(run),
        "## Start and memory",
        weights_as_markdown(run),
    ]
    if said := [*(f"left out: {one}" for one in run.left_out), *describe_faults(run)]:
        parts += ["## Left out, and faults", _listed(said)]
    return "\n\n".join(parts) + "\n"


def _listed(lines: Iterable[str]) -> str:
    return "\n".join(f"* {line}" for line in lines)


def raw(run: Run, verdicts: Sequence[Verdict], *, at: datetime) -> dict[str, Any]:
    """Return everything that was measured, round by round, distributions as quantiles."""
    rows = [
        {
            "target": row.target,
            "load": row.load,
            "tokens": row.tokens,
            "requests": row.requests,
            "seconds": row.seconds,
            "cpu_seconds": row.cpu_seconds,
            "tokens_per_second": row.tokens_per_second,
            "cpu_microseconds_per_token": row.cpu_microseconds_per_token,
            "faults": list(row.faults),
        }
        for row in run.rows
    ]
    results = [
        {
            "target": result.target,
            "load": result.load,
            "first_token_seconds": result.first_token_seconds,
            "latency_seconds": result.latency_seconds,
            "gap_seconds": result.gap_seconds,
        }
        for result in run.results.values()
    ]
    return {
        "at": at.isoformat(),
        "machine": describe_machine(),
        "quantiles": QUANTILES,
        "rows": rows,
        "results": results,
        "weights": {
            target: {
                "start_seconds": weight.start.seconds,
                "start_cpu_seconds": weight.start.cpu_seconds,
                "idle_megabytes": weight.start.idle_megabytes,
                "loaded_megabytes": weight.loaded_megabytes,
            }
            for target, weight in run.weights.items()
        },
        "bounds": [
            {
                "what": str(verdict.bound),
                "measured": asdict(verdict.measured),
                "holds": verdict.holds,
                "meets_bar": verdict.meets_bar,
                "at_most": verdict.bound.at_most,
                "bar": verdict.bound.bar,
                "goal": verdict.bound.goal,
            }
            for verdict in verdicts
        ],
        "left_out": run.left_out,
    }


def write_report(directory: Path, run: Run, verdicts: Sequence[Verdict], *, at: datetime) -> Path:
    """Write `bench.md` and `bench.json` to *directory*; return the path of the latter."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "bench.md").write_text(whole_text(run, verdicts, at=at), "utf-8")
    return write_json(directory / "bench.json", raw(run, verdicts, at=at))


def write_json(file: Path, value: Any) -> Path:
    """Write *value* to *file* for programs to read; return the path."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(orjson.dumps(value, option=orjson.OPT_INDENT_2))
    return file


def draw(directory: Path) -> str:
    """Draw the plots of the data in *directory* beside it; return what came of it.

    In a process of its own, whose environment has matplotlib.
    """
    if not _PLOTS.exists():
        return "no plots: there is no .venv-bench-plots (make bench makes it)"
    script = Path(__file__).with_name("plots.py")
    drawn = subprocess.run(  # noqa: S603 - our own script
        [_PLOTS, script, directory], capture_output=True, text=True, check=False
    )
    return f"no plots: {drawn.stderr[-600:]}" if drawn.returncode else drawn.stdout.strip()
