"""Bad credentials counted in the database, for all processes that share it.

A row has neither an address nor a name, only a hash of both. Rows that are over, and of too many
those that would be over first, are removed with the next failures, faster than new ones can come.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import datetime
from types import MappingProxyType
from typing import Final

from sqlalchemy import Table, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from gateway.backends.database import queries
from gateway.backends.database.engine import connected, open_engine
from gateway.backends.database.tables import LOCKOUTS
from gateway.backends.database.writers import Writers
from gateway.backends.memory_lockout import MAX_PAIRS
from gateway.core.lockout import FailureRecord, LockoutRules, count_failure

_FORGET_AT_MOST: Final = 20
_STATEMENT_SECONDS: Final = 0.5  # twice this is what a caller may have to wait
_INSERTS: Final[Mapping[str, Callable[[Table], sqlite.Insert | postgresql.Insert]]] = (
    MappingProxyType({"sqlite": sqlite.insert, "postgresql": postgresql.insert})
)


class DatabaseLockoutStore:
    """A ``LockoutStore`` in a database whose schema is up to date, of about *max_pairs*."""

    def __init__(self, engine: AsyncEngine, *, max_pairs: int = MAX_PAIRS) -> None:
        self._max_pairs = max_pairs
        self._engine = engine
        self._writers = Writers(engine)

    @classmethod
    def open(cls, database_url: str) -> DatabaseLockoutStore:
        """Return a store at an address of ``open_engine``. Connects at the first call."""
        return cls(open_engine(database_url, statement_seconds=_STATEMENT_SECONDS))

    async def find(self, pair: bytes) -> FailureRecord | None:
        """Return what is known of *pair*."""
        async with connected(self._engine) as connection:
            return await _find(connection, pair)

    async def count_failure(self, pair: bytes, rules: LockoutRules, *, now: datetime) -> None:
        """Count one failure, in one transaction."""
        async with self._writing() as connection:
            first = FailureRecord(0, now, now)
            row = asdict(first) | {"pair": pair, "ends_at": first.ends_at(rules)}
            new = _INSERTS[connection.dialect.name](LOCKOUTS).values(row)
            # Whoever else counts the same pair waits here for the end of this transaction.
            await connection.execute(new.on_conflict_do_nothing())
            counted = count_failure(await _find(connection, pair, lock=True), rules, now=now)
            after = asdict(counted) | {"ends_at": counted.ends_at(rules)}
            await connection.execute(update(LOCKOUTS).where(LOCKOUTS.c.pair == pair).values(after))
            await self._forget_some(connection, now)

    async def forget(self, pair: bytes) -> None:
        """Forget *pair*."""
        async with self._writing() as connection:
            await connection.execute(delete(LOCKOUTS).where(LOCKOUTS.c.pair == pair))

    async def close(self) -> None:
        """Close all connections."""
        await self._engine.dispose()

    async def _forget_some(self, connection: AsyncConnection, now: datetime) -> None:
        ends_at = LOCKOUTS.c.ends_at
        one_too_many = select(ends_at).order_by(ends_at.desc()).offset(self._max_pairs).limit(1)
        needless = (ends_at < now) | (ends_at <= one_too_many.scalar_subquery())
        some = select(LOCKOUTS.c.pair).where(needless).limit(_FORGET_AT_MOST)
        some = some.with_for_update(skip_locked=True)
        await connection.execute(delete(LOCKOUTS).where(LOCKOUTS.c.pair.in_(some)))

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[AsyncConnection]:
        async with self._writers.connected() as connection, connection.begin():
            yield connection


async def _find(
    connection: AsyncConnection, pair: bytes, *, lock: bool = False
) -> FailureRecord | None:
    query = select(LOCKOUTS).where(LOCKOUTS.c.pair == pair)
    for row in await queries.rows(connection, query.with_for_update() if lock else query):
        return FailureRecord(row["failures"], row["failed_at"], row["locked_until"])
    return None
