"""Tags of recent requests in memory: for tests, and for a gateway of one process.

Every process that shares nothing with the others is a hole: a request replayed to another one
passes. A start forgets everything too, so what was sent in the minutes before could pass once more.
"""

from __future__ import annotations

import heapq
from datetime import datetime
from typing import Final

from gateway.core.errors import Replayed, StoreUnavailable
from gateway.core.ports import Clock

MAX_TAGS: Final = 1_000_000  # about 200 MB when full; 250 s at 4,000 requests a second
_SWEEP: Final = 8  # expired tags dropped for each claim: more go than come


class MemoryReplayStore:
    """A ``ReplayStore`` for one event loop. Full, it refuses; no tag is forgotten before time."""

    def __init__(self, clock: Clock, *, max_tags: int = MAX_TAGS) -> None:
        self._clock = clock
        self._max_tags = max_tags
        self._ends: dict[bytes, datetime] = {}
        self._by_end: list[tuple[datetime, bytes]] = []

    async def claim(self, tag: bytes, *, until: datetime) -> None:
        """Remember *tag*. Raises ``Replayed``, and ``StoreUnavailable`` when there is no room."""
        now = self._clock()
        self._forget_expired(now)
        taken_until = self._ends.get(tag)
        if taken_until is not None and taken_until >= now:
            raise Replayed
        if len(self._ends) >= self._max_tags:
            raise StoreUnavailable("Too many requests to remember.")
        self._ends[tag] = until
        heapq.heappush(self._by_end, (until, tag))

    async def close(self) -> None:
        """Nothing is open."""

    def _forget_expired(self, now: datetime) -> None:
        for _ in range(_SWEEP):
            if not self._by_end or self._by_end[0][0] >= now:
                return
            end, tag = heapq.heappop(self._by_end)
            if self._ends.get(tag) == end:  # else it was claimed again since, for longer
                del self._ends[tag]
