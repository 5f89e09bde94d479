"""When each permission was last used: one day per client and permission, written in batches.

A use costs a look into a set; only the first one of a day is written, with the next batch. A crash
loses at most the days of that batch, and the next use writes them again.
"""

from __future__ import annotations

import asyncio
from datetime import date

from gateway.core.ports import Clock, ControlStore
from gateway.core.registry import PermissionUse


class PermissionUses:
    """Collects uses and writes them. Belongs to one event loop."""

    def __init__(self, store: ControlStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._day = date.min
        self._seen: set[tuple[str, str]] = set()
        self._unwritten: list[tuple[date, str, str]] = []
        self._writing = asyncio.Lock()  # or two writers would both drop the batch of the first

    def note(self, client_id: str, permission: str) -> None:
        """Remember that *client_id* uses *permission* today. Never fails, never waits."""
        today = self._clock().date()
        if today != self._day:
            self._day, self._seen = today, set()
        if (client_id, permission) not in self._seen:
            self._seen.add((client_id, permission))
            self._unwritten.append((today, client_id, permission))

    async def write(self) -> None:
        """Write what was noted since the last time. Background task; also at the end.

        Raises ``StoreUnavailable``; what was to be written is kept for the next time.
        """
        async with self._writing:
            batch = tuple(self._unwritten)
            if not batch:
                return
            # The day of the grant is known to the store already, and the later one wins there.
            await self._store.record_uses(
                [PermissionUse(client_id, name, date.min, day) for day, client_id, name in batch]
            )
            del self._unwritten[: len(batch)]
