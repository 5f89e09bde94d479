"""Writes the figures of the last reports into loadtests/README.md: what carries how much, and why.

    python -m loadtests.sizing

It measures nothing, and only says what lies in `loadtests/report/`: what is not there is left out.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import Any

import orjson

from loadtests.bench import REPORT
from loadtests.gateway_process import FULL, SEALED
from loadtests.report import number, table

PAGE = Path(__file__).with_name("README.md")
BEGIN, END = "<!-- figures: make bench-figures -->", "<!-- end of figures -->"
NEEDS: Mapping[str, float] = {
    "one H200, 70B model": 5_000,
    "one H200, 8B model, as served to people": 15_000,
    "one H200, 8B model, at best": 30_000,
    "1,000 streams of 50 tokens/s": 50_000,
    "eight H200, 8B models, at best": 225_000,
}
"""Tokens per second; those of GPUs are what is published for TensorRT-LLM and vLLM."""
_COMPARED = ("nginx-tls", SEALED, FULL, "litellm-filter")
_FILES = {"steps": "What each step costs", "scaling": "Streams, sizes, memory", "vllm": "vLLM"}


@dataclass(frozen=True)
class Measured:
    """What `bench.json` holds."""

    data: Mapping[str, Any]

    @property
    def origin(self) -> str:
        """Where and when it was measured, and how often."""
        rounds = max(Counter((row["load"], row["target"]) for row in self.data["rows"]).values())
        at = self.data["at"][:16].replace("T", " ")
        return f"{self.data['machine']}, {at} UTC, {rounds} rounds of each load."

    @cached_property
    def targets(self) -> list[str]:
        """All that were measured, in the order of the report."""
        return list(dict.fromkeys(row["target"] for row in self.data["rows"]))

    def per_token(self, load: str, target: str) -> float | None:
        """Return the CPU microseconds per token: the middle of the rounds."""
        return self._middle(load, target, unit="tokens", scale=1e6)

    def per_request(self, target: str) -> float | None:
        """Return the CPU milliseconds of a request that is not streamed."""
        return self._middle("whole", target, unit="requests", scale=1e3)

    def _middle(self, load: str, target: str, *, unit: str, scale: float) -> float | None:
        found = [
            scale * row["cpu_seconds"] / row[unit]
            for row in self.data["rows"]
            if (row["load"], row["target"]) == (load, target) and row["cpu_seconds"]
        ]
        return median(found) if found else None

    def milliseconds(self, load: str, target: str, member: str) -> float | None:
        """Return the median of a distribution of *load*."""
        half = self.data["quantiles"].index(0.5)
        for result in self.data["results"]:
            if (result["load"], result["target"]) == (load, target):
                seconds = result[member][half]
                return None if seconds is None else 1e3 * float(seconds)
        return None

    def weight(self, target: str, member: str) -> float | None:
        """Return a figure of the start or the memory of *target*."""
        value = self.data["weights"].get(target, {}).get(member)
        return None if value is None else float(value)


def _shown(value: float | None, digits: int = 1) -> str:
    return "–" if value is None else number(value, digits)


def contenders(measured: Measured) -> str:
    """Return the table of all contenders."""
    headings = (
        "",
        "paced: CPU µs/token",
        "tokens/s per core",
        "flood: CPU µs/token",
        "CPU ms/request",
        "first token ms",
        "one way ms",
        "MB idle",
        "MB after",
        "start s",
    )
    lines = []
    for target in measured.targets:
        paced = measured.per_token("paced", target)
        lines.append(
            (
                target,
                _shown(paced),
                _shown(1e6 / paced if paced else None, 0),
                _shown(measured.per_token("flood", target)),
                _shown(measured.per_request(target), 2),
                _shown(measured.milliseconds("first", target, "first_token_seconds")),
                _shown(measured.milliseconds("paced", target, "latency_seconds")),
                _shown(measured.weight(target, "idle_megabytes"), 0),
                _shown(measured.weight(target, "loaded_megabytes"), 0),
                _shown(measured.weight(target, "start_seconds")),
            )
        )
    return table(headings, lines)


def ratios(measured: Measured) -> str:
    """Return what was asked for beside what was measured."""
    lines = []
    for bound in measured.data["bounds"]:
        found = bound["measured"]
        spread = f"{found['median']:.3g} ({found['low']:.3g}–{found['high']:.3g})"
        asked = ["–" if bound[one] is None else f"{bound[one]:g}" for one in ("bar", "goal")]
        lines.append((bound["what"], spread, *asked))
    return table(("", "median (lowest–highest)", "bar", "goal"), lines)


def cores(measured: Measured) -> str:
    """Return how many cores each contender needs, by its paced cost."""
    costs = {target: measured.per_token("paced", target) for target in _COMPARED}
    known = {target: cost for target, cost in costs.items() if cost is not None}
    lines = [
        (need, number(rate, 0), *(number(rate * cost / 1e6) for cost in known.values()))
        for need, rate in NEEDS.items()
    ]
    return table(("cores for", "tokens/s", *known), lines)


def busiest(points: Sequence[Mapping[str, Any]]) -> str:
    """Return how much one worker carried at the top of its ramp, and with how many cores."""
    top = max(
        (point for point in points if point["target"].startswith("workers-1")),
        key=lambda point: float(point["tokens_per_second"]),
    )
    rate, cost = float(top["tokens_per_second"]), float(top["cpu_microseconds_per_token"])
    used = number(rate * cost / 1e6, 2)
    return (
        "A token costs less the more there are at a time: in the ramp below one worker carried "
        f"{number(rate, 0)} tokens/s ({top['streams']} streams) with {used} of a core, "
        f"{number(cost)} µs for each."
    )


def sections(report: Path) -> Iterator[str]:
    """Give the figures of every report that there is, as Markdown."""
    if (file := report / "bench.json").exists():
        measured = Measured(orjson.loads(file.read_bytes()))
        yield measured.origin
        yield from ("### Cores", cores(measured))
        if (ramp := report / "scaling.json").exists():
            yield busiest(orjson.loads(ramp.read_bytes())["points"])
        yield from ("### Beside others", contenders(measured), "### Bars", ratios(measured))
        yield from [f"Left out: {one}." for one in measured.data["left_out"]]
    for name, title in _FILES.items():
        if (file := report / f"{name}.md").exists():
            yield from (f"### {title}", file.read_text("utf-8").strip())


def with_figures(page: str, figures: Sequence[str]) -> str:
    """Return *page* with *figures* in the place of those it has; raises ``ValueError``."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page has no place for figures: {BEGIN} … {END}")
    return "\n\n".join([before + BEGIN, *figures, END]) + after


def main(argv: Sequence[str] | None = None) -> int:
    """Write the figures; 1 when there are none."""
    parser = argparse.ArgumentParser(prog="sizing", description=__doc__)
    parser.add_argument("--report", type=Path, default=REPORT, help="where the reports are")
    parser.add_argument("--page", type=Path, default=PAGE, help="which page has the place for them")
    arguments = parser.parse_args(argv)
    figures = list(sections(arguments.report))
    if not figures:
        print(f"{arguments.report} holds no report: run `make bench` first", file=sys.stderr)
        return 1
    page = with_figures(arguments.page.read_text("utf-8"), figures)
    arguments.page.write_text(page, "utf-8")
    print(f"{arguments.page} has the figures of {arguments.report}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
