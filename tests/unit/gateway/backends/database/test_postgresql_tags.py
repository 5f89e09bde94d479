"""Tags in PostgreSQL: one statement for many claims, exact also with two processes at it."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from gateway.backends.database.replay import DatabaseReplayStore
from gateway.core.errors import Replayed
from tests.fakes.control import FakeClock


async def test_two_gateways_agree(postgresql_url: str) -> None:
    """Two stores claim the same tags in opposite order, fifty times each: each tag passes once."""
    clock = FakeClock()
    until = clock() + timedelta(minutes=4)
    stores = [DatabaseReplayStore.open(postgresql_url, clock) for _ in range(2)]
    tags = [bytes([n]) * 16 for n in range(20) for _ in range(50)]
    found = await asyncio.gather(
        *(stores[0].claim(tag, until=until) for tag in tags),
        *(stores[1].claim(tag, until=until) for tag in reversed(tags)),
        return_exceptions=True,
    )
    assert all(outcome is None or isinstance(outcome, Replayed) for outcome in found)
    both = [*tags, *reversed(tags)]
    won = [tag for tag, outcome in zip(both, found, strict=True) if outcome is None]
    assert sorted(won) == sorted(set(tags))
    for store in stores:
        await store.close()


async def test_expired_rows_leave_the_table(postgresql_url: str) -> None:
    """Claims remove twice as many expired rows as they add, so the table cannot grow for ever."""
    clock = FakeClock()
    store = DatabaseReplayStore.open(postgresql_url, clock)

    async def claim(names: range) -> None:
        until = clock() + timedelta(minutes=4)
        await asyncio.gather(*(store.claim(n.to_bytes(16, "big"), until=until) for n in names))

    await claim(range(100))
    clock.advance(hours=1)
    await claim(range(100, 150))
    rows = await store._table._connection.fetchval("SELECT count(*) FROM replay_tags")
    assert rows == 50
    with pytest.raises(Replayed):
        await store.claim((149).to_bytes(16, "big"), until=clock())
    await store.close()
