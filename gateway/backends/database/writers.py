"""Connections for transactions that write: in SQLite one at a time for each store of a process.

Who waits for the write lock holds a connection meanwhile. If all who want to write waited there,
nobody could read; so they wait for their turn before they have one, and not for ever.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from gateway.backends.database.engine import CHANGES_OPTION, connected
from gateway.core.errors import StoreUnavailable

TURN_SECONDS: Final = 3.0
"""How long one waits for the writers before it: as long as the first of them for the lock."""


class Writers:
    """Gives connections of *engine* to those who write. Belongs to one event loop.

    PostgreSQL has a queue of its own, in which each waits for less than a second.
    """

    def __init__(self, engine: AsyncEngine, *, turn_seconds: float = TURN_SECONDS) -> None:
        self._engine = engine
        self._turn_seconds = turn_seconds
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[AsyncConnection]:
        """Give a connection whose next transaction takes the write lock, as ``connected`` does.

        Raises ``StoreUnavailable`` also when its turn does not come in time.
        """
        turn: AbstractAsyncContextManager[None] = nullcontext()
        if self._engine.dialect.name == "sqlite":
            turn = self._taken_turn()
        async with turn, connected(self._engine) as connection:
            await connection.execution_options(**{CHANGES_OPTION: True})
            yield connection

    @asynccontextmanager
    async def _taken_turn(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._turn_seconds):
                await self._turn.acquire()
        except TimeoutError:
            raise StoreUnavailable from None
        try:
            yield
        finally:
            self._turn.release()
