"""Tags of recent requests in the database, for all processes that share it.

Claims that wait at the same time are written in one transaction, so a request does not pay for one
of its own. The primary key decides: of equal claims, in whatever process, one inserts.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from gateway.backends.database.engine import SQLITE_DRIVER, parse_database_url
from gateway.backends.database.postgresql import DRIVER as POSTGRESQL_DRIVER
from gateway.backends.database.postgresql_tags import PostgresqlTags
from gateway.backends.database.sqlite_tags import SqliteTags
from gateway.backends.database.tag_claim import TagClaim, TagTable
from gateway.core.errors import Replayed, StoreUnavailable
from gateway.core.ports import Clock

_ANSWER_SECONDS: Final = 0.9  # a caller hears within a second, whatever the database does
_MAX_BATCH: Final = 512
_MAX_WAITING: Final = 8192
_FORGOTTEN_AT_LEAST: Final = 16  # with twice as many as were claimed, so the table cannot grow


class DatabaseReplayStore:
    """A ``ReplayStore`` in a table of tags. Belongs to one event loop."""

    def __init__(self, table: TagTable, clock: Clock) -> None:
        self._table = table
        self._clock = clock
        self._waiting: list[TagClaim] = []
        self._flush: asyncio.Task[None] | None = None

    @classmethod
    def open(cls, database_url: str, clock: Clock) -> DatabaseReplayStore:
        """Return a store at an address of ``open_engine``. Connects at the first claim.

        Raises ``StoreUnavailable`` for a URL without a file or database.
        """
        url = parse_database_url(database_url)
        if url.drivername == POSTGRESQL_DRIVER:
            return cls(PostgresqlTags(url), clock)
        if not url.database:
            raise StoreUnavailable(f"The store is a file: {SQLITE_DRIVER}:///PATH.")
        return cls(SqliteTags(Path(url.database).absolute()), clock)

    async def claim(self, tag: bytes, *, until: datetime) -> None:
        """Remember *tag*. Raises ``Replayed``, and ``StoreUnavailable`` within a second.

        A claim whose caller gave up may still be written: nothing passes because of that.
        """
        if len(self._waiting) >= _MAX_WAITING:
            raise StoreUnavailable
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append(TagClaim(tag, math.ceil(until.timestamp()), answer))
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
        """Write what waits, then close the table."""
        if self._flush is not None:
            await asyncio.wait({self._flush})
        await self._table.close()

    async def _write_all(self) -> None:
        batch: list[TagClaim] = []
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:_MAX_BATCH], self._waiting[_MAX_BATCH:]
                _answer(batch, await self._write(batch))
        finally:
            # After any fault nobody is left waiting, and the next claim begins afresh.
            self._flush = None
            left, self._waiting = [*batch, *self._waiting], []
            _answer(left, None)

    async def _write(self, batch: Sequence[TagClaim]) -> list[bool] | None:
        now = math.floor(self._clock().timestamp())
        forget_at_most = _FORGOTTEN_AT_LEAST + 2 * len(batch)
        try:
            return await self._table.insert(batch, now=now, forget_at_most=forget_at_most)
        except StoreUnavailable:
            return None


def _answer(claims: Sequence[TagClaim], outcome: Sequence[bool] | None) -> None:
    """Tell the callers that did not give up which claims were new, or that it is not known."""
    for position, claim in enumerate(claims):
        if claim.answer.done():
            continue
        if outcome is None:
            claim.answer.set_exception(StoreUnavailable())
        else:
            claim.answer.set_result(outcome[position])
