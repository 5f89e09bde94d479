"""Connections: PostgreSQL, or SQLite in WAL mode with every transaction begun as what it is.

Python's driver for SQLite starts transactions late and as readers, so two writers would deadlock
or lose changes; here a transaction that changes something takes the write lock at once (``BEGIN
IMMEDIATE``) and waits its turn.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final, cast

from sqlalchemy import Connection, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, OperationalError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from gateway.backends.database import postgresql
from gateway.core.errors import CommitUnconfirmed, MalformedRequest, StoreUnavailable

SQLITE_DRIVER: Final = "sqlite+aiosqlite"

CHANGES_OPTION: Final = "sealgate_changes"
"""Execution option of a connection whose next transaction writes."""

_DATA_EXCEPTION: Final = "22"  # class of SQLSTATE (PostgreSQL, appendix A)
_LOST: Final = frozenset({"", "08", "57"})
"""Classes of SQLSTATE after which a commit may have been done: none, connection, intervention."""

_BUSY_SECONDS: Final = 3.0  # long enough for a queue of changes, short of a caller's patience
_FREE_CONNECTION_SECONDS: Final = 0.9
_PAUSES_SECONDS: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
_PRAGMAS: Final = (
    # FULL, not NORMAL: a revocation that was answered for survives a power cut.
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA trusted_schema = OFF",
    # A destroyed key must not be readable in free pages of the file.
    "PRAGMA secure_delete = ON",
)


def open_engine(database_url: str, *, statement_seconds: float | None = None) -> AsyncEngine:
    """Return an engine for ``sqlite+aiosqlite:///PATH`` or for PostgreSQL (see ``postgresql``).

    A missing file is made with mode 0600. *statement_seconds* is what a statement may take in
    PostgreSQL, by default what a request may wait for; in SQLite it bounds the wait for the write
    lock, three seconds at most. Raises ``StoreUnavailable`` for another kind of URL, for one
    without a file or database, and when the file cannot be made.
    """
    url = parse_database_url(database_url)
    if url.drivername == postgresql.DRIVER:
        return postgresql.open_postgresql(
            url, statement_seconds=statement_seconds or postgresql.REQUEST_SECONDS
        )
    path = url.database
    if url.drivername != SQLITE_DRIVER or not path or path == ":memory:":
        raise StoreUnavailable(
            f"The store is a file, {SQLITE_DRIVER}:///PATH, or {postgresql.DRIVER}://USER@HOST/NAME."
        )
    _create_private(Path(path))
    # Parameters of a statement may be a hash or a wrapped key: never in the text of an error.
    engine = create_async_engine(url, hide_parameters=True, pool_timeout=_FREE_CONNECTION_SECONDS)
    busy_seconds = min(statement_seconds or _BUSY_SECONDS, _BUSY_SECONDS)
    event.listen(engine.sync_engine, "connect", partial(_prepare, busy_seconds))
    event.listen(engine.sync_engine, "begin", _begin)
    return engine


def parse_database_url(database_url: str) -> URL:
    """Return the parts of an address. Raises ``StoreUnavailable``, without repeating it."""
    try:
        return make_url(database_url)
    except (ArgumentError, ValueError):
        raise StoreUnavailable("The address of the store is none.") from None


@asynccontextmanager
async def connected(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Give a connection; what the driver raises becomes ``StoreUnavailable``.

    Or ``MalformedRequest``, where it is not the database that is at fault but a value that none can
    hold: half of a surrogate pair, or in PostgreSQL a NUL.
    """
    try:
        async with engine.connect() as connection:
            yield connection
    except (SQLAlchemyError, OSError, UnicodeEncodeError, *postgresql.DRIVER_ERRORS) as error:
        if _is_of_a_value(error):
            raise MalformedRequest("A value has characters that cannot be stored.") from None
        raise StoreUnavailable from None


async def commit(connection: AsyncConnection) -> None:
    """End the transaction of *connection*, which has done all it was to do.

    Raises ``CommitUnconfirmed`` when PostgreSQL was lost before it said whether it did; what it
    refuses, and what a file refuses, was not done.
    """
    try:
        await connection.commit()
    except (SQLAlchemyError, OSError, *postgresql.DRIVER_ERRORS) as error:
        if connection.dialect.name == "sqlite" or _state(error)[:2] not in _LOST:
            raise
        raise CommitUnconfirmed from None


def _is_of_a_value(error: Exception) -> bool:
    return isinstance(error, UnicodeEncodeError) or _state(error).startswith(_DATA_EXCEPTION)


def _state(error: Exception) -> str:
    """Return the SQLSTATE that came with *error*, if the server said one."""
    return str(getattr(getattr(error, "orig", error), "sqlstate", None) or "")


async def use_write_ahead_log(engine: AsyncEngine) -> None:
    """Put a SQLite file into WAL mode, in which readers and a writer do not wait for each other.

    The mode stays with the file. Two connections that change it at once get an error rather than a
    turn, whatever the busy timeout, so this tries again. Raises ``SQLAlchemyError`` in the end.
    """
    if engine.dialect.name != "sqlite":
        return
    for pause_seconds in (0.0, *_PAUSES_SECONDS):
        await asyncio.sleep(pause_seconds)
        async with engine.connect() as connection:
            if await _is_write_ahead(connection):
                return
    raise OperationalError("PRAGMA journal_mode", {}, OSError("the file is in use"))


async def _is_write_ahead(connection: AsyncConnection) -> bool:
    raw = await connection.get_raw_connection()
    try:
        cursor = await cast("Any", raw.driver_connection).execute("PRAGMA journal_mode = WAL")
        (mode,) = await cursor.fetchone()  # what it is now, whether or not it could be changed
        await cursor.close()
    except sqlite3.OperationalError:
        return False
    return bool(mode == "wal")


async def rest_foreign_keys(connection: AsyncConnection) -> None:
    """Let SQLite not check references on this connection, outside of a transaction.

    A migration there replaces a table by a changed copy, and dropping the old one would count as
    deleting every row that others refer to. Check with :func:`verify_foreign_keys` before the end.
    """
    if connection.dialect.name == "sqlite":
        raw = await connection.get_raw_connection()
        await cast("Any", raw.driver_connection).execute("PRAGMA foreign_keys = OFF")


def verify_foreign_keys(connection: Connection) -> None:
    """Raise ``StoreUnavailable`` when a row in SQLite refers to one that is not there."""
    if connection.dialect.name == "sqlite":
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
        if broken is not None:
            raise StoreUnavailable("The store has rows that refer to nothing.")


async def truncate_log(connection: AsyncConnection) -> bool:
    """Empty the write-ahead log of SQLite; return whether that could be done now.

    ``secure_delete`` cleans the database file alone: pages as they were before stay readable in the
    log until it is emptied, which a quiet gateway might not do for weeks. Outside of a transaction;
    does not wait for other connections that are in one, and raises nothing of the driver.
    """
    if connection.dialect.name != "sqlite":
        return True
    raw = await connection.get_raw_connection()
    if raw.driver_connection is None:
        return False
    await raw.driver_connection.execute(_busy_timeout(0.0))
    try:
        cursor = await raw.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        busy, _, _ = await cursor.fetchone()
        await cursor.close()
    except sqlite3.Error:
        return False
    finally:
        await raw.driver_connection.execute(_busy_timeout(_BUSY_SECONDS))
    return not busy


def _create_private(path: Path) -> None:
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
    except OSError:
        raise StoreUnavailable("The file of the store cannot be opened.") from None


def _prepare(busy_seconds: float, connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver begins nothing by itself; _begin does
    cursor = connection.cursor()
    try:
        # First how long to wait, so that what follows waits too.
        for pragma in (_busy_timeout(busy_seconds), *_PRAGMAS):
            cursor.execute(pragma)
    except sqlite3.Error:
        connection.close()  # SQLAlchemy forgets a connection that was refused here
        raise
    cursor.close()


def _busy_timeout(seconds: float) -> str:
    return f"PRAGMA busy_timeout = {round(seconds * 1000)}"


def _begin(connection: Connection) -> None:
    changes = connection.get_execution_options().get(CHANGES_OPTION, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if changes else "BEGIN")
