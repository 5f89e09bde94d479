"""The control store over SQLAlchemy. Errors of the driver become ``StoreUnavailable``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Select, Table, delete, insert, select, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from gateway.backends.database.engine import CHANGES_OPTION, open_engine, truncate_log
from gateway.backends.database.rows import (
    Row,
    client_of,
    client_row,
    credential_of,
    credential_row,
    key_of,
    key_row,
    revocation_of,
    revocation_row,
)
from gateway.backends.database.tables import CLIENTS, CREDENTIALS, KEYS, REVISION, REVOCATIONS
from gateway.core.errors import Conflict, NotFound, StoreUnavailable
from gateway.core.keyring import StoredKey
from gateway.core.ports import ControlChange
from gateway.core.registry import ControlState, Credential, Revocation, StoredClient

# Before closing: a command is over in a moment, and so is what a gateway reads meanwhile.
_PAUSES_SECONDS: Final = (0.0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.3)


class DatabaseStore:
    """A ``ControlStore`` in a database whose schema is up to date (see ``upgrade``).

    Safe for several tasks of one event loop, and for several processes on one file.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._erasure_due = False
        self._last_revision: int | None = None

    @classmethod
    def open(cls, database_url: str) -> DatabaseStore:
        """Return a store on ``sqlite+aiosqlite:///PATH``. Connects at the first call."""
        return cls(open_engine(database_url))

    @asynccontextmanager
    async def change(self) -> AsyncIterator[ControlChange]:
        """Open a transaction that holds the write lock; commit at the end, roll back on errors."""
        async with _driver_errors(), self._engine.connect() as connection:
            await connection.execution_options(**{CHANGES_OPTION: True})
            async with connection.begin():
                # First, so that on any database the row lock serialises the changes.
                await connection.execute(update(REVISION).values(value=REVISION.c.value + 1))
                change = _DatabaseChange(connection)
                yield change
            self._erasure_due = self._erasure_due or change.has_erased
            await self._erase(connection)

    async def revision(self) -> int:
        """Return the number of the last change; clean up after one of another process."""
        async with self._reading() as connection:
            current = await _revision(connection)
            await connection.rollback()  # ends the reading, which an erasure would wait for
            if current != self._last_revision:
                # Whoever changed something may have erased a key, and be gone before the log was
                # free to be emptied.
                self._erasure_due, self._last_revision = True, current
            await self._erase(connection)
            return current

    async def load(self) -> ControlState:
        """Return everything, read in one transaction."""
        async with self._reading() as connection:
            clients = await _rows(connection, select(CLIENTS).order_by(CLIENTS.c.client_id))
            keys = await _rows(connection, select(KEYS).order_by(KEYS.c.sequence))
            revocations = await _rows(
                connection,
                select(REVOCATIONS).order_by(
                    REVOCATIONS.c.revoked_at, REVOCATIONS.c.kind, REVOCATIONS.c.subject
                ),
            )
            (numbers,) = await _rows(connection, select(REVISION))
            return ControlState(
                revision=numbers["value"],
                document_seq=numbers["document_seq"],
                clients=tuple(client_of(row) for row in clients),
                keys=tuple(key_of(row) for row in keys),
                revocations=tuple(revocation_of(row) for row in revocations),
            )

    async def find_client(self, client_id: str) -> StoredClient | None:
        """Return the client, or None."""
        async with self._reading() as connection:
            return await _find_client(connection, client_id)

    async def list_clients(self, *, after: str, limit: int) -> Sequence[StoredClient]:
        """Return up to *limit* clients after *after*, by identifier."""
        query = select(CLIENTS).where(CLIENTS.c.client_id > after)
        async with self._reading() as connection:
            rows = await _rows(connection, query.order_by(CLIENTS.c.client_id).limit(limit))
        return [client_of(row) for row in rows]

    async def list_credentials(self, client_id: str) -> Sequence[Credential]:
        """Return all credentials of a client, oldest first."""
        async with self._reading() as connection:
            return await _credentials(connection, client_id)

    async def find_credential(self, credential_id: str) -> Credential | None:
        """Return the credential, or None."""
        query = select(CREDENTIALS).where(CREDENTIALS.c.credential_id == credential_id)
        async with self._reading() as connection:
            rows = await _rows(connection, query)
        return credential_of(rows[0]) if rows else None

    async def close(self) -> None:
        """Close all connections; takes up to a second when something erased is still in the log."""
        with suppress(StoreUnavailable):
            for pause_seconds in _PAUSES_SECONDS:
                if not self._erasure_due:
                    break
                await asyncio.sleep(pause_seconds)
                async with self._reading() as connection:
                    await self._erase(connection)
        await self._engine.dispose()

    async def _erase(self, connection: AsyncConnection) -> None:
        """Remove from the log of changes what was erased from the tables, once nobody reads it."""
        if self._erasure_due:
            self._erasure_due = not await truncate_log(connection)

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[AsyncConnection]:
        async with _driver_errors(), self._engine.connect() as connection:
            yield connection


class _DatabaseChange:
    """One transaction. A ``ControlChange``."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self.has_erased = False
        """Whether a private key was taken out of the store."""

    async def find_client(self, client_id: str) -> StoredClient | None:
        return await _find_client(self._connection, client_id)

    async def add_client(self, client: StoredClient) -> None:
        await self._insert(CLIENTS, client_row(client))

    async def save_client(self, client: StoredClient) -> None:
        where = CLIENTS.c.client_id == client.client.client_id
        await self._update(CLIENTS, where, client_row(client))

    async def add_credential(self, credential: Credential) -> None:
        if await self.find_client(credential.client_id) is None:
            raise NotFound
        await self._insert(CREDENTIALS, credential_row(credential))

    async def list_credentials(self, client_id: str) -> Sequence[Credential]:
        return await _credentials(self._connection, client_id)

    async def save_credential(self, credential: Credential) -> None:
        where = CREDENTIALS.c.credential_id == credential.credential_id
        await self._update(CREDENTIALS, where, credential_row(credential))

    async def list_keys(self) -> Sequence[StoredKey]:
        rows = await _rows(self._connection, select(KEYS).order_by(KEYS.c.sequence))
        return [key_of(row) for row in rows]

    async def add_key(self, key: StoredKey) -> None:
        await self._insert(KEYS, key_row(key))

    async def save_key(self, key: StoredKey) -> None:
        self.has_erased = self.has_erased or key.wrapped_private is None
        await self._update(KEYS, KEYS.c.kid == key.kid, key_row(key))

    async def add_revocation(self, revocation: Revocation) -> None:
        where = (REVOCATIONS.c.kind == revocation.kind.value) & (
            REVOCATIONS.c.subject == revocation.subject
        )
        rows = await _rows(self._connection, select(REVOCATIONS).where(where))
        if rows:
            widest = revocation_of(rows[0]).widened(revocation)
            await self._update(REVOCATIONS, where, revocation_row(widest))
        else:
            await self._insert(REVOCATIONS, revocation_row(revocation))

    async def raise_document_seq(self) -> int:
        raised = update(REVISION).values(document_seq=REVISION.c.document_seq + 1)
        result = await self._connection.execute(raised.returning(REVISION.c.document_seq))
        return int(result.scalar_one())

    async def remove_expired_revocations(self, *, now: datetime) -> int:
        # A row without expires_at compares as unknown and stays.
        expired = delete(REVOCATIONS).where(REVOCATIONS.c.expires_at <= now)
        return (await self._connection.execute(expired)).rowcount

    async def _insert(self, table: Table, row: Row) -> None:
        try:
            await self._connection.execute(insert(table).values(row))
        except IntegrityError:
            raise Conflict from None

    async def _update(self, table: Table, where: ColumnElement[bool], row: Row) -> None:
        result = await self._connection.execute(update(table).where(where).values(row))
        if result.rowcount == 0:
            raise NotFound


@asynccontextmanager
async def _driver_errors() -> AsyncIterator[None]:
    try:
        yield
    except (SQLAlchemyError, OSError):
        raise StoreUnavailable from None


async def _rows(connection: AsyncConnection, query: Select[tuple[object, ...]]) -> Sequence[Row]:
    return [dict(row) for row in (await connection.execute(query)).mappings()]


async def _revision(connection: AsyncConnection) -> int:
    return int((await connection.execute(select(REVISION.c.value))).scalar_one())


async def _find_client(connection: AsyncConnection, client_id: str) -> StoredClient | None:
    rows = await _rows(connection, select(CLIENTS).where(CLIENTS.c.client_id == client_id))
    return client_of(rows[0]) if rows else None


async def _credentials(connection: AsyncConnection, client_id: str) -> Sequence[Credential]:
    query = select(CREDENTIALS).where(CREDENTIALS.c.client_id == client_id)
    order = (CREDENTIALS.c.created_at, CREDENTIALS.c.credential_id)
    return [credential_of(row) for row in await _rows(connection, query.order_by(*order))]
