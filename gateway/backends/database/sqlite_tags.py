"""Tags of recent requests in a SQLite file, on a connection and a thread of their own.

The event loop does not wait for the disk. Of equal claims, in whatever process, one inserts.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Final
from urllib.parse import quote

from gateway.backends.batched_replay import TagClaim
from gateway.core.errors import StoreUnavailable

_BUSY_SECONDS: Final = 0.5
_PRAGMAS: Final = (
    # NORMAL, not FULL as for the control store: a crash of the process loses nothing, and a power
    # cut only the last tags, which are of no use to anybody minutes later.
    "PRAGMA synchronous = NORMAL",
    "PRAGMA trusted_schema = OFF",
)
_CLAIM: Final = (
    "INSERT INTO replay_tags (tag, until) VALUES (?, ?) "
    "ON CONFLICT (tag) DO UPDATE SET until = excluded.until WHERE replay_tags.until < ?"
)
_FORGET: Final = (
    "DELETE FROM replay_tags WHERE tag IN (SELECT tag FROM replay_tags WHERE until < ? LIMIT ?)"
)


class SqliteTags:
    """The table of tags in a SQLite file whose schema is up to date. A ``TagTable``."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="replay")
        self._connection: sqlite3.Connection | None = None  # only ever touched on the thread

    async def insert(
        self, claims: Sequence[TagClaim], *, now: int, forget_at_most: int
    ) -> list[bool]:
        """Write *claims* in one transaction; return which were new."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._insert, claims, now, forget_at_most)

    async def close(self) -> None:
        """Close the connection and end the thread."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._disconnect)
        self._thread.shutdown(wait=False)

    def _insert(self, claims: Sequence[TagClaim], now: int, forget_at_most: int) -> list[bool]:
        """Whatever is raised, no transaction stays open."""
        try:
            connection = self._connect()
            connection.execute("BEGIN IMMEDIATE")
            fresh = [
                connection.execute(_CLAIM, (claim.tag, claim.until_seconds, now)).rowcount == 1
                for claim in claims
            ]
            connection.execute(_FORGET, (now, forget_at_most))
            connection.execute("COMMIT")
        except sqlite3.Error:
            self._disconnect()  # rolls back; the next batch begins afresh
            raise StoreUnavailable from None
        except BaseException:
            self._disconnect()
            raise
        return fresh

    def _connect(self) -> sqlite3.Connection:
        if self._connection is None:
            # Mode rw: a file that is gone is an error, and not a new and empty memory.
            self._connection = sqlite3.connect(
                f"file:{quote(str(self._path))}?mode=rw",
                uri=True,
                timeout=_BUSY_SECONDS,
                isolation_level=None,
            )
            for pragma in _PRAGMAS:
                self._connection.execute(pragma)
        return self._connection

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()
