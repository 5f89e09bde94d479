"""The arithmetic of the benchmark: percentiles and one row per thing measured."""

import math
from collections.abc import Sequence
from dataclasses import dataclass


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least *share* (0 to 1) of *values* do not exceed.

    No interpolation: what is reported was measured. Nothing measured gives NaN.
    """
    if not values:
        return math.nan
    rank = max(1, math.ceil(share * len(values)))
    return sorted(values)[rank - 1]


def ratio(value: float, reference: float) -> float:
    """Return *value* over *reference*, or NaN where there is nothing to divide by."""
    return value / reference if reference else math.nan


@dataclass(frozen=True, slots=True)
class Row:
    """What one target did under one load."""

    target: str
    load: str
    tokens: int
    """Tokens that the model sent and the client accounted for."""
    requests: int
    seconds: float
    cpu_seconds: float
    """CPU time of the process tree in the middle; 0 where there is none."""
    first_token_seconds: tuple[float, ...]
    lateness_seconds: tuple[float, ...]
    """How long after its place in the schedule each word came, less the stream's own best."""
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
    def tokens_per_core_second(self) -> float:
        """Tokens per second that one core in the middle would carry at this cost."""
        return ratio(self.tokens, self.cpu_seconds)
