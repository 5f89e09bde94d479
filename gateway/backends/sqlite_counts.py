"""Counts of the ``limits`` library in a SQLite file, for the workers of one host together.

On a connection and a thread of its own, so the event loop does not wait for the file. Every count
is one transaction, so workers do not count past each other. A file of its own: it may be deleted
while nobody serves, and no durable change waits for it.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from math import floor
from pathlib import Path
from typing import Final, TypeVar

from limits.aio.storage import SlidingWindowCounterSupport, Storage

from gateway.core.errors import StoreUnavailable
from gateway.core.ports import Clock

_Answer = TypeVar("_Answer")

_BUSY_SECONDS: Final = 0.5
_ATTEMPTS: Final = 20
_PAUSE_SECONDS: Final = 0.02
_PREPARE: Final = (
    "PRAGMA journal_mode = WAL",
    # A power cut takes what was used in the last moments, and with OFF perhaps the whole file.
    "PRAGMA synchronous = NORMAL",
    "PRAGMA trusted_schema = OFF",
    "CREATE TABLE IF NOT EXISTS counts (key TEXT PRIMARY KEY, count INT, until REAL) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS counts_until ON counts (until)",
)
_ADD: Final = (
    "INSERT INTO counts VALUES (:key, :amount, :now + :expiry) ON CONFLICT (key) DO UPDATE SET "
    "count = CASE WHEN until <= :now THEN :amount ELSE count + :amount END, "
    "until = CASE WHEN until <= :now THEN :now + :expiry ELSE until END RETURNING count"
)
# More than one for each that is added, so the file does not grow.
_FORGET: Final = "DELETE FROM counts WHERE key IN (SELECT key FROM counts WHERE until <= ? LIMIT 4)"


class SqliteCounts(Storage, SlidingWindowCounterSupport):
    """A storage of the ``limits`` library at *path*, which is made with mode 0600 if it is missing.

    Every method raises ``StoreUnavailable`` when the file cannot be read or written.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        super().__init__()
        self._path = path
        self._clock = clock
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="counts")
        self._connection: sqlite3.Connection | None = None  # only ever touched on the thread

    @property
    def base_exceptions(self) -> type[Exception]:
        """The errors that the library would wrap; ours are none of them."""
        return sqlite3.Error

    async def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Add *amount* to the count of *key*, which lasts *expiry* seconds; return the sum."""
        return await self._do(lambda file, now: _add(file, key, amount=amount, times=(now, expiry)))

    async def get(self, key: str) -> int:
        """Return the count of *key*."""
        return await self._do(lambda file, now: _count(file, key, now))

    async def get_expiry(self, key: str) -> float:
        """Return when the count of *key* ends, in seconds since 1970; now if there is none."""

        def find(file: sqlite3.Connection, now: float) -> float:
            query = "SELECT until FROM counts WHERE key = ? AND until > ?"
            row = file.execute(query, (key, now)).fetchone()
            return now if row is None else float(row[0])

        return await self._do(find)

    async def acquire_sliding_window_entry(  # noqa: PLR0917  # the signature is the library's
        self, key: str, limit: int, expiry: int, amount: int = 1
    ) -> bool:
        """Count *amount* unless that would cross *limit*; return whether it was counted."""

        def acquire(file: sqlite3.Connection, now: float) -> bool:
            before, left, current, _ = _window(file, key, times=(now, expiry))
            if floor(before * left / expiry + current) + amount > limit:
                return False
            _add(file, _window_key(key, now, expiry), amount=amount, times=(now, 2 * expiry))
            return True

        return await self._do(acquire)

    async def get_sliding_window(self, key: str, expiry: int) -> tuple[int, float, int, float]:
        """Return count and seconds left of the window before, and of this one."""
        return await self._do(lambda file, now: _window(file, key, times=(now, expiry)))

    async def clear(self, key: str) -> None:
        """Forget the count of *key*."""
        await self._do(lambda file, _now: file.execute("DELETE FROM counts WHERE key = ?", (key,)))

    async def clear_sliding_window(self, key: str, expiry: int) -> None:
        """Forget the windows of *key*."""
        now = self._clock().timestamp()
        for moment in (now - expiry, now):
            await self.clear(_window_key(key, moment, expiry))

    async def check(self) -> bool:
        """Return whether the file can be used."""
        try:
            await self.get("")
        except StoreUnavailable:
            return False
        return True

    async def reset(self) -> int | None:
        """Forget all counts; return how many."""
        return await self._do(lambda file, _now: file.execute("DELETE FROM counts").rowcount)

    async def _do(self, work: Callable[[sqlite3.Connection, float], _Answer]) -> _Answer:
        loop, now = asyncio.get_running_loop(), self._clock().timestamp()
        return await loop.run_in_executor(self._thread, self._transact, work, now)

    def _transact(
        self, work: Callable[[sqlite3.Connection, float], _Answer], now: float
    ) -> _Answer:
        try:
            file = self._connect()
            file.execute("BEGIN IMMEDIATE")
            answer = work(file, now)
            file.execute("COMMIT")
        except (sqlite3.Error, OSError):
            self._disconnect()
            raise StoreUnavailable from None
        except BaseException:
            self._disconnect()
            raise
        return answer

    def _connect(self) -> sqlite3.Connection:
        if self._connection is None:
            flags = os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
            os.close(os.open(self._path, flags, 0o600))
            self._connection = sqlite3.connect(
                self._path, timeout=_BUSY_SECONDS, isolation_level=None
            )
            _prepare(self._connection)
        return self._connection

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()  # rolls back


def _prepare(file: sqlite3.Connection) -> None:
    """Make the table if it is missing.

    Two that change the mode of the file at once get an error rather than a turn, whatever the
    timeout, so this tries again.
    """
    for attempt in range(_ATTEMPTS):
        try:
            for statement in _PREPARE:
                file.execute(statement)
        except sqlite3.OperationalError:
            if attempt == _ATTEMPTS - 1:
                raise
            time.sleep(_PAUSE_SECONDS)
        else:
            return


def _count(file: sqlite3.Connection, key: str, now: float) -> int:
    query = "SELECT count FROM counts WHERE key = ? AND until > ?"
    row = file.execute(query, (key, now)).fetchone()
    return 0 if row is None else int(row[0])


def _add(file: sqlite3.Connection, key: str, *, amount: int, times: tuple[float, float]) -> int:
    now, expiry = times
    file.execute(_FORGET, (now,))
    named = {"key": key, "amount": amount, "now": now, "expiry": expiry}
    (total,) = file.execute(_ADD, named).fetchone()
    return int(total)


def _window(
    file: sqlite3.Connection, key: str, *, times: tuple[float, int]
) -> tuple[int, float, int, float]:
    now, expiry = times
    before = _count(file, _window_key(key, now - expiry, expiry), now)
    current = _count(file, _window_key(key, now, expiry), now)
    left = expiry - now % expiry
    return before, left if before else 0.0, current, left + expiry


def _window_key(key: str, moment: float, expiry: int) -> str:
    return f"{key}/{int(moment // expiry)}"
