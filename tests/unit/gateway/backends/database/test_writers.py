"""Who writes waits for a turn, in which nobody else is kept from reading."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.backends.database.engine import open_engine
from gateway.backends.database.store import DatabaseStore
from gateway.backends.database.writers import Writers
from gateway.core.errors import StoreUnavailable

WRITERS = 40  # more than there are connections


@pytest.fixture
def held(sqlite_url: str) -> Iterator[sqlite3.Connection]:
    """Give a connection that holds the write lock."""
    other = sqlite3.connect(Path(sqlite_url.removeprefix("sqlite+aiosqlite:///")))
    other.isolation_level = None
    other.execute("BEGIN IMMEDIATE")
    yield other
    other.close()


async def change(store: DatabaseStore) -> None:
    async with store.change():
        pass


async def test_nobody_waits_to_read(sqlite_url: str, held: sqlite3.Connection) -> None:
    """However many wait to write while another process does, all of it can be read."""
    store = DatabaseStore.open(sqlite_url)
    waiting = [asyncio.create_task(change(store)) for _ in range(WRITERS)]
    await asyncio.sleep(0.05)
    assert await store.find_client("c-1") is None
    assert not any(task.done() for task in waiting)
    held.execute("COMMIT")
    await asyncio.gather(*waiting)
    assert await store.revision() == WRITERS
    await store.close()


async def test_turn_that_does_not_come_is_an_outage(
    sqlite_url: str, held: sqlite3.Connection
) -> None:
    """Whoever comes later hears in time, and the first one writes when the lock is free."""
    engine = open_engine(sqlite_url)
    writers = Writers(engine, turn_seconds=0.05)

    async def write() -> None:
        async with writers.connected() as connection, connection.begin():
            pass

    first = asyncio.create_task(write())
    await asyncio.sleep(0.01)
    with pytest.raises(StoreUnavailable):
        await write()
    held.execute("COMMIT")
    await first
    await write()
    await engine.dispose()


async def test_writer_that_gives_up_leaves_its_turn(
    sqlite_url: str, held: sqlite3.Connection
) -> None:
    """A caller that leaves while it waits, for its turn or for the lock, is in nobody's way."""
    store = DatabaseStore.open(sqlite_url)
    waiting = [asyncio.create_task(change(store)) for _ in range(3)]
    await asyncio.sleep(0.05)
    for task in waiting:
        task.cancel()
    held.execute("COMMIT")
    await asyncio.gather(*waiting, return_exceptions=True)
    await change(store)
    await store.close()
