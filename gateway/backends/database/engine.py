"""Connections: SQLite in WAL mode, with every transaction begun as what it is.

Python's driver starts transactions late and as readers, so two writers would deadlock or lose
changes; here a transaction that changes something takes the write lock at once (``BEGIN
IMMEDIATE``) and waits its turn.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, event
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from gateway.core.errors import StoreUnavailable

CHANGES_OPTION: Final = "sealgate_changes"
"""Execution option of a connection whose next transaction writes."""

_BUSY_TIMEOUT_MS: Final = 3000  # long enough for a queue of changes, short of a caller's patience
_PRAGMAS: Final = (
    "PRAGMA journal_mode = WAL",
    # FULL, not NORMAL: a revocation that was answered for survives a power cut.
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA trusted_schema = OFF",
    # A destroyed key must not be readable in free pages of the file.
    "PRAGMA secure_delete = ON",
    f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}",
)


def open_engine(database_url: str) -> AsyncEngine:
    """Return an engine for ``sqlite+aiosqlite:///PATH``; a missing file is made with mode 0600.

    Raises ``StoreUnavailable`` for another kind of URL, for one without a file, and when the file
    cannot be made.
    """
    url = make_url(database_url)
    if url.drivername != "sqlite+aiosqlite" or not url.database or url.database == ":memory:":
        raise StoreUnavailable("The store is a file: sqlite+aiosqlite:///PATH.")
    _create_private(Path(url.database))
    # Parameters of a statement may be a hash or a wrapped key: never in the text of an error.
    engine = create_async_engine(url, hide_parameters=True)
    event.listen(engine.sync_engine, "connect", _prepare)
    event.listen(engine.sync_engine, "begin", _begin)
    return engine


async def truncate_log(connection: AsyncConnection) -> bool:
    """Empty the write-ahead log of SQLite; return whether that could be done now.

    ``secure_delete`` cleans the database file alone: pages as they were before stay readable in the
    log until it is emptied, which a quiet gateway might not do for weeks. Outside of a transaction;
    does not wait for other connections that are in one.
    """
    if connection.dialect.name != "sqlite":
        return True
    raw = await connection.get_raw_connection()
    if raw.driver_connection is None:
        return False
    await raw.driver_connection.execute("PRAGMA busy_timeout = 0")
    try:
        cursor = await raw.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        busy, _, _ = await cursor.fetchone()
        await cursor.close()
    finally:
        await raw.driver_connection.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}")
    return not busy


def _create_private(path: Path) -> None:
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
    except OSError:
        raise StoreUnavailable("The file of the store cannot be opened.") from None


def _prepare(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver begins nothing by itself; _begin does
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _begin(connection: Connection) -> None:
    changes = connection.get_execution_options().get(CHANGES_OPTION, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if changes else "BEGIN")
