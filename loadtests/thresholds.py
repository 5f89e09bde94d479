"""The bounds of `thresholds.toml` and whether a run keeps to them.

A bound says what is held today, so that nothing gets slower unnoticed; the bar beside it is what
was asked for. A run fails by its bounds, never by a bar that is known to be missed.
"""

import math
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from loadtests.results import Run
from loadtests.stats import Spread

FILE = Path(__file__).with_name("thresholds.toml")


@dataclass(frozen=True, slots=True)
class Bound:
    """A figure that must not grow: of one target, over that of another if *over* names one."""

    figure: str
    of: str
    at_most: float
    """What is held today, with room for the noise of a shared machine."""
    load: str = ""
    over: str = ""
    bar: float = math.inf
    """What was asked for."""
    goal: float = math.inf

    def __str__(self) -> str:
        load = f"{self.load}: " if self.load else ""
        against = f" over {self.over}" if self.over else ""
        return f"{load}{self.figure.replace('_', ' ')} of {self.of}{against}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A bound and what was measured."""

    bound: Bound
    measured: Spread

    @property
    def holds(self) -> bool:
        """Whether nothing got worse. What could not be computed does not hold."""
        return self.measured.median <= self.bound.at_most

    @property
    def meets_bar(self) -> bool:
        """Whether it is as good as was asked for."""
        return self.measured.median <= self.bound.bar

    def __str__(self) -> str:
        bound, measured = self.bound, self.measured
        said = (
            f"{bound}: {_short(measured.median)} ({_short(measured.low)}–{_short(measured.high)})"
        )
        bar = "bar met" if self.meets_bar else "BAR MISSED"
        word = "holds" if self.holds else "WORSE THAN BEFORE"
        return f"{said}; bar {_short(bound.bar)}, {bar}; bound {_short(bound.at_most)}, {word}"


def parse_bounds(text: str) -> list[Bound]:
    """Return the bounds in *text* (TOML); raises ``ValueError`` or ``TypeError``."""
    return [Bound(**one) for one in tomllib.loads(text)["bound"]]


def judge(run: Run, bounds: Sequence[Bound]) -> list[Verdict]:
    """Return a verdict for every bound of which all sides were measured."""
    verdicts = []
    for bound in bounds:
        measured = _measured(run, bound)
        if measured is not None:
            verdicts.append(Verdict(bound, measured))
    return verdicts


def unjudged(verdicts: Sequence[Verdict], bounds: Sequence[Bound]) -> list[str]:
    """Return every bound that no verdict is about: a side of it was not measured."""
    judged = [verdict.bound for verdict in verdicts]
    return [f"not judged, for it was not measured: {one}" for one in bounds if one not in judged]


def _measured(run: Run, bound: Bound) -> Spread | None:
    if bound.over:
        return run.find_ratio(bound.figure, bound.load, of=bound.of, over=bound.over)
    if bound.figure == "added_milliseconds":
        return run.find_added_latency(bound.load, of=bound.of)
    return run.find_absolute(bound.figure, of=bound.of)


def _short(value: float) -> str:
    return "–" if math.isinf(value) or math.isnan(value) else f"{value:.3g}"
