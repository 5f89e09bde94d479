"""The arithmetic of the benchmark: percentiles, spreads, slopes, and what one round measured.

Nothing measured is NaN, never zero, which would look like a good result.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

QUANTILES = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1.0)
"""The shares at which a distribution is kept for the report."""


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least *share* (0 to 1) of *values* do not exceed.

    No interpolation: what is reported was measured. Nothing measured gives NaN.
    """
    return percentiles(values, (share,))[0]


def percentiles(values: Sequence[float], shares: Sequence[float]) -> list[float]:
    """Return the percentile of each of *shares*; see :func:`percentile`."""
    if not values:
        return [math.nan for _ in shares]
    ordered = sorted(values)
    return [ordered[max(1, math.ceil(share * len(ordered))) - 1] for share in shares]


def ratio(value: float, reference: float) -> float:
    """Return *value* over *reference*, or NaN where there is nothing to divide by."""
    return value / reference if reference else math.nan


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Return the slope of the straight line that fits *points* best; NaN for fewer than two."""
    if len(points) < 2:
        return math.nan
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    spread_x = sum((x - mean_x) ** 2 for x, _ in points)
    return ratio(sum((x - mean_x) * (y - mean_y) for x, y in points), spread_x)


@dataclass(frozen=True, slots=True)
class Spread:
    """The middle of several rounds, and how far they lie apart."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Return the spread of *values*, those that are no number left out."""
        known = [value for value in values if not math.isnan(value)]
        low, high = (min(known), max(known)) if known else (math.nan, math.nan)
        ordered = sorted(known)
        half = len(ordered) // 2
        if not ordered:
            return cls(math.nan, low, high)
        middle = ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2
        return cls(middle, low, high)


@dataclass(frozen=True, slots=True)
class Row:
    """What one target did in one round of one load. Times are in seconds."""

    target: str
    load: str
    tokens: int
    """Tokens that the model sent and the client accounted for."""
    requests: int
    seconds: float
    cpu_seconds: float
    """CPU time of the process tree in the middle; 0 where there is none."""
    first_token_seconds: tuple[float, ...]
    latency_seconds: tuple[float, ...]
    """From the moment at which the model was to send each word until it was there."""
    gap_seconds: tuple[float, ...]
    """Between two events with text of the same stream."""
    faults: tuple[str, ...]
    """What arrived wrong: lost, out of order, not redacted, not finished."""

    @property
    def tokens_per_second(self) -> float:
        """Tokens per second of wall time."""
        return ratio(self.tokens, self.seconds)

    @property
    def cpu_microseconds_per_token(self) -> float:
        """CPU time in the middle per streamed token, in microseconds."""
        return ratio(self.cpu_seconds * 1e6, self.tokens)

    @property
    def cpu_milliseconds_per_request(self) -> float:
        """CPU time in the middle per request, in milliseconds."""
        return ratio(self.cpu_seconds * 1e3, self.requests)

    @property
    def tokens_per_core_second(self) -> float:
        """Tokens per second that one core in the middle would carry at this cost."""
        return ratio(self.tokens, self.cpu_seconds)
