"""The time that deleting goes by: a clock that jumps neither deletes everything nor nothing.

It runs with the monotonic clock, never back. It follows a wall clock that is a little ahead at
once, one that is far ahead only after that lead has lasted.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, NamedTuple

SMALL_LEAD: Final = timedelta(hours=2)
"""What is believed at once: the hour between two looks, and as much again for a restart."""

SETTLE_SECONDS: Final = 3000.0
"""How long a larger lead must last: an operator, or a time server, may yet put the clock right.

Somewhat less than the hour between two looks, so that the second look believes it.
"""


class TimeMark(NamedTuple):
    """What outlives a process: the time that was *reached*.

    If the clock is far ahead of that, *ahead_since* is what it said when that was first seen.
    """

    reached: datetime
    ahead_since: datetime | None = None


class SteadyTime:
    """Time that deleting may go by. *mark* is what the last :meth:`feed` of all returned, if any.

    Raises nothing. A clock that was wrongly ahead for long is believed, and then not unbelieved.
    """

    def __init__(self, mark: TimeMark | None) -> None:
        self._trusted = mark.reached if mark else None
        self._ahead_since = mark.ahead_since if mark else None
        self._seen_at: float | None = None
        self._ahead_seconds = 0.0

    def feed(self, wall: datetime, *, monotonic: float) -> TimeMark:
        """Return, as ``reached``, what counts as now when the clocks say *wall* and *monotonic*.

        How long a lead has lasted is told by the monotonic clock, and over a restart by its own.
        """
        passed = 0.0 if self._seen_at is None else max(0.0, monotonic - self._seen_at)
        trusted = (self._trusted or wall) + timedelta(seconds=passed)
        if wall - trusted <= SMALL_LEAD:
            trusted, self._ahead_since = max(trusted, wall), None
        elif self._ahead_since is None:
            self._ahead_since, self._ahead_seconds = wall, 0.0
        else:
            if self._seen_at is None:
                passed = max(0.0, (wall - self._ahead_since).total_seconds())
            self._ahead_seconds += passed
            if self._ahead_seconds >= SETTLE_SECONDS:
                trusted, self._ahead_since = wall, None
        self._trusted, self._seen_at = trusted, monotonic
        return TimeMark(trusted, self._ahead_since)
