"""News of changes from PostgreSQL, so that a gateway looks at once and not at its next turn.

A hint and nothing more: news can be lost with its connection, and whoever waits looks anyway when
the time is over. What has changed, and whether anything has, only the tables say.
"""

from __future__ import annotations

import asyncio
from typing import Final

import asyncpg
from sqlalchemy import Executable, func, select
from sqlalchemy.engine import URL

from gateway.backends.database.engine import parse_database_url
from gateway.backends.database.postgresql import (
    DRIVER,
    DRIVER_ERRORS,
    REQUEST_SECONDS,
    connect_arguments,
    parse_access,
)

_CHANNEL: Final = "sealgate_changes"
_REST_SECONDS: Final = 0.02  # between two looks, so that a storm of changes is one

TELL: Final[Executable] = select(func.pg_notify(_CHANNEL, ""))
"""The statement that tells everybody, as part of the change: when that is durable, or never."""


def find_news(database_url: str) -> PostgresqlNews | None:
    """Return the news of a PostgreSQL database, or None for one of another kind."""
    url = parse_database_url(database_url)
    return PostgresqlNews(url) if url.drivername == DRIVER else None


class PostgresqlNews:
    """Listens on a connection of its own, and connects again by itself. For one event loop."""

    def __init__(self, url: URL) -> None:
        self._arguments = connect_arguments(parse_access(url), statement_seconds=REQUEST_SECONDS)
        self._has_come = asyncio.Event()
        self._connection: asyncpg.Connection | None = None
        self._connecting: asyncio.Task[None] | None = None

    async def wait(self, seconds: float) -> None:
        """Return when something may have changed since the last call, or after *seconds*."""
        if self._connection is None or self._connection.is_closed():
            self._connect()
        await asyncio.sleep(min(_REST_SECONDS, seconds))
        try:
            async with asyncio.timeout(max(0.0, seconds - _REST_SECONDS)):
                await self._has_come.wait()
        except TimeoutError:
            return
        self._has_come.clear()

    async def close(self) -> None:
        """Stop listening."""
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.wait({self._connecting})
        if self._connection is not None:
            self._connection.terminate()
            await asyncio.sleep(0)  # the transport closes in the next round of the loop

    def _connect(self) -> None:
        """Begin to connect, unless that is under way; whoever waits does not wait for it."""
        if self._connecting is None or self._connecting.done():
            self._connecting = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        try:
            self._connection = await asyncpg.connect(**self._arguments)
            await self._connection.add_listener(_CHANNEL, lambda *_: self._has_come.set())
        except (*DRIVER_ERRORS, OSError):
            if self._connection is not None:
                self._connection.terminate()
        else:
            self._has_come.set()  # what was told before nobody heard
