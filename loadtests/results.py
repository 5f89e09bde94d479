"""What all rounds of a run came to, by target and load, and how two targets compare.

Ratios are taken round by round, between neighbours in time: what the machine did meanwhile to one
it did to the other.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from loadtests.measure import Start
from loadtests.stats import QUANTILES, Row, Spread, percentile, percentiles, ratio


@dataclass(frozen=True)
class Result:
    """All rounds of one load on one target."""

    rows: tuple[Row, ...]

    @property
    def target(self) -> str:
        """Whose rounds these are."""
        return self.rows[0].target

    @property
    def load(self) -> str:
        """Of which load."""
        return self.rows[0].load

    def spread(self, figure: Callable[[Row], float]) -> Spread:
        """Return the spread of *figure* over the rounds."""
        return Spread.of([figure(row) for row in self.rows])

    @cached_property
    def first_token_seconds(self) -> list[float]:
        """The quantiles of the time to the first token, all rounds together."""
        return _pooled(row.first_token_seconds for row in self.rows)

    @cached_property
    def latency_seconds(self) -> list[float]:
        """The quantiles of the one-way latency of a word, all rounds together."""
        return _pooled(row.latency_seconds for row in self.rows)

    @cached_property
    def gap_seconds(self) -> list[float]:
        """The quantiles of the time between two events, all rounds together."""
        return _pooled(row.gap_seconds for row in self.rows)

    @property
    def faults(self) -> list[str]:
        """Everything that arrived wrong."""
        return [fault for row in self.rows for fault in row.faults]


def _pooled(rounds: Iterable[Sequence[float]]) -> list[float]:
    return percentiles([value for values in rounds for value in values], QUANTILES)


@dataclass(frozen=True)
class Weight:
    """The memory of a contender before and after all loads, and what its start took."""

    start: Start
    loaded_megabytes: float


@dataclass(frozen=True)
class Run:
    """Everything that one run measured."""

    rows: tuple[Row, ...]
    """Round by round, in the order in which they were measured."""
    weights: Mapping[str, Weight]
    left_out: tuple[str, ...] = ()
    """Peers that are not in the table, and why."""

    @cached_property
    def results(self) -> dict[tuple[str, str], Result]:
        """The rounds by load and target."""
        found: dict[tuple[str, str], list[Row]] = {}
        for row in self.rows:
            found.setdefault((row.load, row.target), []).append(row)
        return {key: Result(tuple(rows)) for key, rows in found.items()}

    def find_ratio(self, figure: str, load: str, *, of: str, over: str) -> Spread | None:
        """Return *figure* of one target over that of the other, None unless both were measured."""
        own, other = self.results.get((load, of)), self.results.get((load, over))
        if own is None or other is None:
            return None
        values = _FIGURES[figure]
        pairs = zip(own.rows, other.rows, strict=True)
        return Spread.of([ratio(values(row), values(beside)) for row, beside in pairs])

    def find_added_latency(self, load: str, *, of: str) -> Spread | None:
        """Return the milliseconds that a target adds to the median one-way latency of a word."""
        own, direct = self.results.get((load, of)), self.results.get((load, "direct"))
        if own is None or direct is None:
            return None
        pairs = zip(own.rows, direct.rows, strict=True)
        return Spread.of([1e3 * (_latency(row) - _latency(base)) for row, base in pairs])

    def find_absolute(self, figure: str, *, of: str) -> Spread | None:
        """Return a *figure* of the start of a target, None if it was not to be had."""
        weight = self.weights.get(of)
        if weight is None:
            return None
        value = {
            "idle_megabytes": weight.start.idle_megabytes,
            "start_seconds": weight.start.seconds,
            "start_cpu_seconds": weight.start.cpu_seconds,
        }[figure]
        return None if math.isnan(value) else Spread(value, value, value)


def _cpu_per_token(row: Row) -> float:
    return row.cpu_microseconds_per_token


def _cpu_per_request(row: Row) -> float:
    return row.cpu_milliseconds_per_request


def _latency(row: Row) -> float:
    return percentile(row.latency_seconds, 0.5)


_FIGURES: Mapping[str, Callable[[Row], float]] = {
    "cpu_per_token": _cpu_per_token,
    "cpu_per_request": _cpu_per_request,
}
