"""Tags of recent requests in the database file, for all processes that share it.

Claims that wait at the same time are written in one transaction, on a connection and a thread of
their own, so the event loop neither waits for a disk nor pays a transaction for each request. The
primary key decides: of equal claims, in whatever process, one inserts.
"""

from __future__ import annotations

import asyncio
import math
import sqlite3
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import quote

from sqlalchemy.engine import make_url

from gateway.core.errors import Replayed, StoreUnavailable
from gateway.core.ports import Clock

_ANSWER_SECONDS: Final = 0.9  # a caller hears within a second, whatever the disk does
_BUSY_SECONDS: Final = 0.5
_MAX_BATCH: Final = 512
_MAX_WAITING: Final = 8192

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
_FORGOTTEN_AT_LEAST: Final = 16  # with twice as many as were claimed, so the table cannot grow


class _Claim(NamedTuple):
    tag: bytes
    until_seconds: int
    answer: asyncio.Future[bool]


class DatabaseReplayStore:
    """A ``ReplayStore`` in a SQLite file whose schema is up to date. Belongs to one event loop."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._waiting: list[_Claim] = []
        self._flush: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="replay")
        self._connection: sqlite3.Connection | None = None  # only ever touched on the thread

    @classmethod
    def open(cls, database_url: str, clock: Clock) -> DatabaseReplayStore:
        """Return a store on ``sqlite+aiosqlite:///PATH``. Connects at the first claim.

        Raises ``StoreUnavailable`` for a URL without a file.
        """
        database = make_url(database_url).database
        if not database:
            raise StoreUnavailable("The store is a file: sqlite+aiosqlite:///PATH.")
        return cls(Path(database).absolute(), clock)

    async def claim(self, tag: bytes, *, until: datetime) -> None:
        """Remember *tag*. Raises ``Replayed``, and ``StoreUnavailable`` within a second.

        A claim whose caller gave up may still be written: nothing passes because of that.
        """
        if len(self._waiting) >= _MAX_WAITING:
            raise StoreUnavailable
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Claim(tag, math.ceil(until.timestamp()), answer))
        if self._flush is None:
            self._flush = asyncio.create_task(self._write_all())
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                is_new = await answer
        except TimeoutError:
            raise StoreUnavailable from None
        if not is_new:
            raise Replayed

    async def close(self) -> None:
        """Write what waits, then close the connection and end the thread."""
        if self._flush is not None:
            await asyncio.wait({self._flush})
        await asyncio.get_running_loop().run_in_executor(self._thread, self._disconnect)
        self._thread.shutdown(wait=False)

    async def _write_all(self) -> None:
        loop = asyncio.get_running_loop()
        batch: list[_Claim] = []
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:_MAX_BATCH], self._waiting[_MAX_BATCH:]
                now = math.floor(self._clock().timestamp())
                outcome = await loop.run_in_executor(self._thread, self._write, batch, now)
                _answer(batch, outcome)
        finally:
            # After any fault nobody is left waiting, and the next claim begins afresh.
            self._flush = None
            left, self._waiting = [*batch, *self._waiting], []
            _answer(left, None)

    def _write(self, batch: Sequence[_Claim], now: int) -> list[bool] | None:
        """Write *batch* in one transaction; return which were new, or None when it failed.

        Whatever is raised, no transaction stays open.
        """
        try:
            connection = self._connect()
            connection.execute("BEGIN IMMEDIATE")
            fresh = [
                connection.execute(_CLAIM, (claim.tag, claim.until_seconds, now)).rowcount == 1
                for claim in batch
            ]
            connection.execute(_FORGET, (now, _FORGOTTEN_AT_LEAST + 2 * len(batch)))
            connection.execute("COMMIT")
        except sqlite3.Error:
            self._disconnect()  # rolls back; the next batch begins afresh
            return None
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


def _answer(claims: Sequence[_Claim], outcome: Sequence[bool] | None) -> None:
    """Tell the callers that did not give up which claims were new, or that it is not known."""
    for position, claim in enumerate(claims):
        if claim.answer.done():
            continue
        if outcome is None:
            claim.answer.set_exception(StoreUnavailable())
        else:
            claim.answer.set_result(outcome[position])
