"""Tags in PostgreSQL: one statement for many claims, exact also with two processes at it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta

import pytest
from sqlalchemy.engine import make_url

from gateway.backends.batched_replay import TagClaim
from gateway.backends.database.postgresql_tags import PostgresqlTags
from gateway.backends.database.replay import DatabaseReplayStore
from gateway.core.errors import Replayed, StoreUnavailable
from tests.fakes.control import FakeClock
from tests.fakes.engines import PostgresServer


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


@pytest.mark.parametrize("turns", range(5))
async def test_server_that_stops_is_away_at_every_moment(
    postgresql_url: str, postgresql: PostgresServer, turns: int
) -> None:
    """Between the last word of the server and its hanging up a claim fails as it does before.

    With each more turn of the loop more of both has been read. When all has been, the claim is made
    over a new connection.
    """
    answer = asyncio.get_running_loop().create_future()
    table, claims = PostgresqlTags(make_url(postgresql_url)), [TagClaim(b"t" * 16, 1, answer)]
    await table.insert(claims, now=0, forget_at_most=1)
    postgresql.run(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
        "WHERE application_name = 'sealgate'"
    )
    for _ in range(turns):
        await asyncio.sleep(0)
    with suppress(StoreUnavailable):
        assert await table.insert(claims, now=0, forget_at_most=1) == [False]
    await table.close()
