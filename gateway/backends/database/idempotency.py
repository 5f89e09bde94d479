"""Calls with an idempotency key in the database, for all processes that share it.

Each step is a transaction of its own that leaves the revision of the control store as it is. An
answer may hold a secret: it is wrapped, and what was erased of it does not stay in the file or in
the log of changes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from gateway.backends.database import queries
from gateway.backends.database.engine import commit, connected, open_engine, truncate_log
from gateway.backends.database.store import lock
from gateway.backends.database.tables import IDEMPOTENCY
from gateway.backends.database.writers import Writers
from gateway.core.idempotency import CallClaim


class DatabaseIdempotencyStore:
    """An ``IdempotencyStore`` in a database whose schema is up to date."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._writers = Writers(engine)
        self._erasure_due = False

    @classmethod
    def open(cls, database_url: str) -> DatabaseIdempotencyStore:
        """Return a store at an address of :func:`open_engine`. Connects at the first call."""
        return cls(open_engine(database_url))

    async def claim(self, claim: CallClaim) -> CallClaim:
        """Remember *claim* unless its tag is taken; return the claim that holds the tag."""
        query = select(IDEMPOTENCY).where(IDEMPOTENCY.c.tag == claim.tag)
        over = IDEMPOTENCY.c.expires_at <= claim.claimed_at
        async with self._writing() as connection:
            expired = delete(IDEMPOTENCY).where(IDEMPOTENCY.c.tag == claim.tag, over)
            if (await connection.execute(expired)).rowcount:
                self._erasure_due = True
            found = await queries.rows(connection, query)
            if found:
                return CallClaim(**found[0])
            await connection.execute(insert(IDEMPOTENCY).values(asdict(claim)))
        return claim

    async def finish(self, claim: CallClaim) -> None:
        """Remember the answer of *claim*, unless the tag is held by another attempt."""
        mine = IDEMPOTENCY.c.claim_id == claim.claim_id
        async with self._writing() as connection:
            await connection.execute(update(IDEMPOTENCY).where(mine).values(asdict(claim)))

    async def release(self, claim: CallClaim) -> None:
        """Forget *claim*, unless the tag is held by another attempt."""
        async with self._writing() as connection:
            mine = IDEMPOTENCY.c.claim_id == claim.claim_id
            await connection.execute(delete(IDEMPOTENCY).where(mine))

    async def forget_expired(self, *, now: datetime) -> int:
        """Erase the claims that are over at *now*, answers and all; return how many."""
        over = IDEMPOTENCY.c.expires_at <= now
        async with connected(self._engine) as connection:
            query = select(IDEMPOTENCY.c.tag).where(over).limit(1)
            is_any_over = (await connection.execute(query)).first() is not None
        erased = 0
        if is_any_over:  # else nobody has to wait for the write lock
            async with self._writing() as connection:
                erased = (await connection.execute(delete(IDEMPOTENCY).where(over))).rowcount
        self._erasure_due = self._erasure_due or erased > 0
        if self._erasure_due:
            async with connected(self._engine) as connection:
                self._erasure_due = not await truncate_log(connection)
        return erased

    async def close(self) -> None:
        """Close all connections."""
        await self._engine.dispose()

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[AsyncConnection]:
        async with self._writers.connected() as connection, connection.begin():
            await lock(connection, step=0)
            yield connection
            await commit(connection)
