"""The control store over SQLAlchemy, in SQLite or PostgreSQL.

Errors of the driver become ``StoreUnavailable``.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Final

from sqlalchemy import select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from gateway.backends.database import queries
from gateway.backends.database.change import DatabaseChange
from gateway.backends.database.engine import commit, connected, open_engine, truncate_log
from gateway.backends.database.postgresql_news import TELL, PostgresqlNews, find_news
from gateway.backends.database.rows import (
    ClientKey,
    RevocationKey,
    client_of,
    key_of,
    permission_use_of,
    proposal_of,
    revocation_of,
)
from gateway.backends.database.tables import (
    CLIENTS,
    DRAINED_BACKENDS,
    KEYS,
    PERMISSION_USES,
    PROPOSALS,
    REVISION,
    REVOCATIONS,
)
from gateway.backends.database.writers import Writers
from gateway.backends.high_water import HighWater
from gateway.core.audit import AuditEntry, AuditHead, AuditRow
from gateway.core.errors import StoreUnavailable
from gateway.core.keyring import StoredKey
from gateway.core.ports import ControlChange
from gateway.core.registry import (
    ControlState,
    Credential,
    PermissionUse,
    Proposal,
    Revocation,
    StoredClient,
)

# Before closing: a command is over in a moment, and so is what a gateway reads meanwhile.
_PAUSES_SECONDS: Final = (0.0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.3)

ONE_MOMENT: Final = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
"""Options of a connection to PostgreSQL that reads everything as of one moment."""


class DatabaseStore:
    """A ``ControlStore`` in a database whose schema is up to date (see ``upgrade``).

    Safe for several tasks of one event loop, and for several processes on one database.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        news: PostgresqlNews | None = None,
        high_water: HighWater | None = None,
    ) -> None:
        self._engine = engine
        self._writers = Writers(engine)
        self._news = news
        self._high_water = high_water
        self._heard_mark = 0
        self._erasure_due = False
        self._last_revision: int | None = None
        self._clients: dict[ClientKey, StoredClient] = {}
        self._revocations: dict[RevocationKey, Revocation] = {}

    @classmethod
    def open(cls, database_url: str, high_water: HighWater | None = None) -> DatabaseStore:
        """Return a store at an address of :func:`open_engine`. Connects at the first call.

        One that is older than *high_water* is refused by whatever reads or changes all of it.
        """
        engine = open_engine(database_url)
        return cls(engine, find_news(database_url), high_water)

    @asynccontextmanager
    async def change(self) -> AsyncIterator[ControlChange]:
        """Open a transaction that holds the write lock; commit at the end, roll back on errors.

        Raises ``CommitUnconfirmed`` when nobody knows whether it was committed.
        """
        floor = self._floor()
        async with self._writers.connected() as connection:
            async with connection.begin():
                revision = await lock(connection, step=1)
                self._verify_no_old_copy(revision - 1, floor=floor)
                change = DatabaseChange(connection)
                yield change
                if self._news is not None:
                    await connection.execute(TELL)
                await commit(connection)
            await self._remember(revision, floor=floor)
            self._erasure_due = self._erasure_due or change.has_erased
            await self._erase(connection)

    async def revision(self) -> int:
        """Return the number of the last change; clean up after one of another process."""
        floor = self._heard_mark = self._floor()
        async with self._reading() as connection:
            current = await queries.revision(connection)
            await connection.rollback()  # ends the reading, which an erasure would wait for
            self._verify_no_old_copy(current, floor=floor)
            await self._remember(current, floor=floor)
            if current != self._last_revision:
                # Whoever changed something may have erased a key, and be gone before the log was
                # free to be emptied.
                self._erasure_due, self._last_revision = True, current
            await self._erase(connection)
            return current

    async def wait_for_change(self, seconds: float) -> None:
        """Return when somebody may have changed something, or after *seconds*. Raises nothing."""
        if self._news is not None:
            await self._news.wait(seconds)
        elif self._high_water is not None:
            await self._high_water.wait_for_rise(self._heard_mark, seconds)
        else:
            await asyncio.sleep(seconds)

    async def load(self) -> ControlState:
        """Return everything, read in one transaction as of one moment."""
        floor = self._floor()
        async with self._reading() as connection:
            if connection.dialect.name == "postgresql":  # in SQLite every transaction reads so
                await connection.execution_options(**ONE_MOMENT)
            self._clients = await queries.clients(connection, self._clients)
            keys = await queries.rows(connection, select(KEYS).order_by(KEYS.c.sequence))
            self._revocations = await queries.revocations(connection, self._revocations)
            revocations = tuple(self._revocations.values())
            drained = await queries.rows(connection, select(DRAINED_BACKENDS))
            (numbers,) = await queries.rows(connection, select(REVISION))
            self._verify_no_old_copy(numbers["value"], floor=floor)
            return ControlState(
                revision=numbers["value"],
                document_seq=numbers["document_seq"],
                clients=tuple(self._clients.values()),
                keys=tuple(key_of(row) for row in keys),
                revocations=revocations,
                drained_backends=frozenset(row["backend"] for row in drained),
            )

    async def find_client(self, client_id: str) -> StoredClient | None:
        """Return the client, or None."""
        async with self._reading() as connection:
            return await queries.find_client(connection, client_id)

    async def list_clients(self, *, after: str, limit: int) -> Sequence[StoredClient]:
        """Return up to *limit* clients after *after*, by identifier."""
        query = select(CLIENTS).where(CLIENTS.c.client_id > after)
        async with self._reading() as connection:
            rows = await queries.rows(connection, query.order_by(CLIENTS.c.client_id).limit(limit))
        return [client_of(row) for row in rows]

    async def list_credentials(self, client_id: str) -> Sequence[Credential]:
        """Return all credentials of a client, oldest first."""
        async with self._reading() as connection:
            return await queries.credentials(connection, client_id)

    async def find_credential(self, credential_id: str) -> Credential | None:
        """Return the credential, or None."""
        async with self._reading() as connection:
            return await queries.find_credential(connection, credential_id)

    async def list_keys(self, *, after: str, limit: int) -> Sequence[StoredKey]:
        """Return up to *limit* keys after the one named *after*, in the order of creation."""
        query = select(KEYS).order_by(KEYS.c.sequence).limit(limit)
        if after:
            named = select(KEYS.c.sequence).where(KEYS.c.kid == after).scalar_subquery()
            query = query.where(KEYS.c.sequence > named)  # not true of what is not there
        async with self._reading() as connection:
            return [key_of(row) for row in await queries.rows(connection, query)]

    async def list_revocations(self, *, after: tuple[str, str], limit: int) -> Sequence[Revocation]:
        """Return up to *limit* revocations after that kind and subject."""
        place = (REVOCATIONS.c.kind, REVOCATIONS.c.subject)
        query = select(REVOCATIONS).where(tuple_(*place) > after).order_by(*place).limit(limit)
        async with self._reading() as connection:
            return [revocation_of(row) for row in await queries.rows(connection, query)]

    async def note(self, entry: AuditEntry) -> AuditRow:
        """Add *entry* to the audit trail; no other process need reload for it."""
        async with self._writing() as change:
            return await change.append_audit(entry)

    async def audit_head(self) -> AuditHead:
        """Return the end of the audit trail, as the counter beside the rows has it."""
        async with self._reading() as connection:
            return await queries.audit_head(connection)

    async def list_audit(self, *, after: int, limit: int) -> Sequence[AuditRow]:
        """Return up to *limit* rows of the audit trail after number *after*."""
        async with self._reading() as connection:
            return await queries.audit_rows(connection, after=after, limit=limit)

    async def list_proposals(self, *, after: str, limit: int) -> Sequence[Proposal]:
        """Return up to *limit* proposals after *after*, by identifier."""
        query = select(PROPOSALS).where(PROPOSALS.c.proposal_id > after)
        query = query.order_by(PROPOSALS.c.proposal_id).limit(limit)
        async with self._reading() as connection:
            return [proposal_of(row) for row in await queries.rows(connection, query)]

    async def remove_proposals(self, *, before: datetime) -> int:
        """Forget old proposals; no other process need reload for it."""
        async with self._writing() as change:
            return await change.remove_proposals(before=before)

    async def list_permission_uses(
        self, *, after: tuple[str, str], limit: int
    ) -> Sequence[PermissionUse]:
        """Return up to *limit* uses after that client and permission."""
        place = (PERMISSION_USES.c.client_id, PERMISSION_USES.c.permission)
        query = select(PERMISSION_USES).where(tuple_(*place) > after).order_by(*place)
        async with self._reading() as connection:
            found = await queries.rows(connection, query.limit(limit))
        return [permission_use_of(row) for row in found]

    async def record_uses(self, uses: Sequence[PermissionUse]) -> None:
        """Remember *uses*; no other process need reload for them."""
        async with self._writing() as change:
            await change.save_permission_uses(uses)

    async def close(self) -> None:
        """Close all connections; takes up to a second when something erased is still in the log."""
        with suppress(StoreUnavailable):
            for pause_seconds in _PAUSES_SECONDS:
                if not self._erasure_due:
                    break
                await asyncio.sleep(pause_seconds)
                async with self._reading() as connection:
                    await self._erase(connection)
        if self._news is not None:
            await self._news.close()
        await self._engine.dispose()

    async def _erase(self, connection: AsyncConnection) -> None:
        """Remove from the log of changes what was erased from the tables, once nobody reads it."""
        if self._erasure_due:
            self._erasure_due = not await truncate_log(connection)

    def _floor(self) -> int:
        return 0 if self._high_water is None else self._high_water.read()

    def _verify_no_old_copy(self, revision: int, *, floor: int) -> None:
        if self._high_water is not None:
            self._high_water.verify(revision, floor=floor)

    async def _remember(self, revision: int, *, floor: int) -> None:
        if self._high_water is not None and revision > floor:
            await asyncio.to_thread(self._high_water.raise_to, revision)

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[DatabaseChange]:
        """Open a transaction with the write lock that leaves the revision as it is."""
        async with self._writers.connected() as connection, connection.begin():
            await lock(connection, step=0)
            yield DatabaseChange(connection)

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[AsyncConnection]:
        async with connected(self._engine) as connection:
            yield connection


async def lock(connection: AsyncConnection, *, step: int) -> int:
    """Take the lock that serialises all writers, on any database: it is the row of the counters.

    Adds *step* to the revision and returns what it is then.
    """
    taken = update(REVISION).values(value=REVISION.c.value + step).returning(REVISION.c.value)
    return int((await connection.execute(taken)).scalar_one())
