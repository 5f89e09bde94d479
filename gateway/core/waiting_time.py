"""How long the next one in a line will wait, from how fast the last ones were served.

A foresight, to refuse at once who would wait in vain. Before anything was served, and after the
line was empty, it foresees nothing.
"""

from __future__ import annotations

from typing import Final

_WEIGHT: Final = 0.125
"""Of the newest interval; about the last eight count, as with the round trips of RFC 6298."""


class WaitingTime:
    """The pace of one line. Time is an argument."""

    __slots__ = ("_interval", "_served_at")

    def __init__(self) -> None:
        self._interval: float | None = None
        self._served_at: float | None = None

    def serve(self, now: float) -> None:
        """Note that the first in the line was served."""
        if self._served_at is not None:
            interval = now - self._served_at
            before = interval if self._interval is None else self._interval
            self._interval = before + _WEIGHT * (interval - before)
        self._served_at = now

    def expected(self, ahead: int) -> float:
        """Return the seconds until it is the turn of who has *ahead* others before it."""
        return (ahead + 1) * (self._interval or 0.0)
