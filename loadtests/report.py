"""The benchmark's result as a table, as Markdown and as JSON."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import orjson

from loadtests.stats import Row, percentile, ratio

_HEADINGS = (
    "load",
    "target",
    "tokens/s",
    "first token p50/p99 ms",
    "late p50/p99 ms",
    "CPU µs/token",
    "CPU ms/request",
    "tokens/s per core",
    "faults",
)


@dataclass(frozen=True, slots=True)
class Bar:
    """A figure the gateway must not exceed: its CPU time over that of *against*, same load."""

    target: str
    load: str
    against: str
    at_most: float
    goal: float


BARS = (
    Bar("gateway-sealed", "paced", "nginx", at_most=4.0, goal=2.5),
    Bar("gateway-sealed", "flood", "nginx", at_most=5.0, goal=2.5),
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A bar and what was measured."""

    bar: Bar
    measured: float

    @property
    def is_met(self) -> bool:
        """Whether the figure holds."""
        return self.measured <= self.bar.at_most

    def __str__(self) -> str:
        bar = self.bar
        word = "met" if self.is_met else "MISSED"
        return (
            f"{bar.load}: CPU of {bar.target} is {self.measured:.2f} x that of {bar.against} "
            f"(at most {bar.at_most:g} x, goal {bar.goal:g} x): {word}"
        )


def judge(rows: Sequence[Row], bars: Sequence[Bar] = BARS) -> list[Verdict]:
    """Return a verdict for every bar of which both sides were measured."""
    found = {(row.target, row.load): row for row in rows}
    verdicts = []
    for bar in bars:
        own, other = found.get((bar.target, bar.load)), found.get((bar.against, bar.load))
        if own is not None and other is not None:
            verdicts.append(Verdict(bar, ratio(own.cpu_seconds, other.cpu_seconds)))
    return verdicts


def _number(value: float, digits: int = 1) -> str:
    return "–" if math.isnan(value) else f"{value:,.{digits}f}"


def _pair(values: Sequence[float]) -> str:
    half, worst = percentile(values, 0.5) * 1e3, percentile(values, 0.99) * 1e3
    return f"{_number(half)} / {_number(worst)}"


def _cells(row: Row) -> tuple[str, ...]:
    has_cpu = row.cpu_seconds > 0
    return (
        row.load,
        row.target,
        _number(row.tokens_per_second, 0),
        _pair(row.first_token_seconds),
        _pair(row.lateness_seconds),
        _number(row.cpu_microseconds_per_token) if has_cpu else "–",
        _number(row.cpu_seconds / row.requests * 1e3, 3) if has_cpu else "–",
        _number(row.tokens_per_core_second, 0) if has_cpu else "–",
        str(len(row.faults)),
    )


def as_markdown(rows: Sequence[Row]) -> str:
    """Return the rows as a Markdown table, padded so that it reads well as plain text too."""
    table = [_HEADINGS, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in table) for column in range(len(_HEADINGS))]
    lines = [
        "| "
        + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        + " |"
        for line in table
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def describe_faults(rows: Sequence[Row]) -> list[str]:
    """Return each kind of fault once per row, with how often it was seen."""
    return [
        f"{row.target}, {row.load}: {fault} ({row.faults.count(fault)} x)"
        for row in rows
        for fault in sorted(set(row.faults))
    ]


def write_report(
    directory: Path, rows: Sequence[Row], *, at: datetime, notes: Sequence[str] = ()
) -> None:
    """Write `bench.json` and `bench.md` to *directory*."""
    directory.mkdir(parents=True, exist_ok=True)
    verdicts = judge(rows)
    values = [
        {
            "target": row.target,
            "load": row.load,
            "tokens": row.tokens,
            "requests": row.requests,
            "seconds": row.seconds,
            "cpu_seconds": row.cpu_seconds,
            "first_token_seconds_p50": percentile(row.first_token_seconds, 0.5),
            "first_token_seconds_p99": percentile(row.first_token_seconds, 0.99),
            "lateness_seconds_p50": percentile(row.lateness_seconds, 0.5),
            "lateness_seconds_p99": percentile(row.lateness_seconds, 0.99),
            "faults": list(row.faults),
        }
        for row in rows
    ]
    bars = [{"bar": str(verdict), "met": verdict.is_met} for verdict in verdicts]
    whole = {"at": at.isoformat(), "rows": values, "bars": bars, "notes": list(notes)}
    (directory / "bench.json").write_bytes(orjson.dumps(whole, option=orjson.OPT_INDENT_2))
    said = [*map(str, verdicts), *notes, *describe_faults(rows)]
    text = [
        f"# Load test of {at:%Y-%m-%d %H:%M} UTC",
        "",
        as_markdown(rows),
        "",
        *(f"* {line}" for line in said),
        "",
    ]
    (directory / "bench.md").write_text("\n".join(text))
