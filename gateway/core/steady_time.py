"""The time that deleting goes by: a clock that jumps neither deletes everything nor nothing.

It runs with the monotonic clock, never back. It follows a wall clock that is a little ahead at
once, one that is far ahead only after that lead has lasted.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

SMALL_LEAD: Final = timedelta(hours=2)
"""What is believed at once: the hour between two looks, and as much again for a restart."""

SETTLE_SECONDS: Final = 3000.0
"""How long a larger lead must last: an operator, or a time server, may yet put the clock right.

Somewhat less than the hour between two looks, so that the second look believes it.
"""


class SteadyTime:
    """Time that deleting may go by. *mark* is how far it was when it was last known, if it was.

    Raises nothing. A clock that was wrongly ahead for long is believed, and then not unbelieved.
    """

    def __init__(self, mark: datetime | None) -> None:
        self._trusted = mark
        self._seen_at: float | None = None
        self._ahead_since: float | None = None

    def feed(self, wall: datetime, *, monotonic: float) -> datetime:
        """Return what counts as now, when the clocks say *wall* and *monotonic* seconds."""
        if self._trusted is None:
            self._trusted = wall
        elif self._seen_at is not None:
            self._trusted += timedelta(seconds=max(0.0, monotonic - self._seen_at))
        self._seen_at = monotonic
        if wall - self._trusted <= SMALL_LEAD:
            self._ahead_since = None
            self._trusted = max(self._trusted, wall)
        elif self._ahead_since is None:
            self._ahead_since = monotonic
        elif monotonic - self._ahead_since >= SETTLE_SECONDS:
            self._trusted, self._ahead_since = wall, None
        return self._trusted
