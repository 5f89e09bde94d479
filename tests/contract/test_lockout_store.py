"""One suite for every lock-out store: each failure counts once, for all who share it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from gateway.backends.database.lockout import DatabaseLockoutStore
from gateway.backends.memory_lockout import MemoryLockoutStore
from gateway.backends.redis.connections import RedisAddress, open_pool
from gateway.backends.redis.lockout import RedisLockoutStore
from gateway.backends.shared_lockout import SharedLockoutStore
from gateway.core.lockout import LockoutRules, LockoutStore, count_failure
from tests.fakes.engines import RedisServer

NOW = datetime(2026, 11, 23, 10, 0, 0, 123_456, tzinfo=UTC)
PAIR, OTHER = b"\x00\xff" * 8, b"o" * 16
RULES = LockoutRules()


@pytest.fixture(params=["memory", "sqlite", "postgresql", "redis", "shared"])
async def stores(request: pytest.FixtureRequest) -> AsyncIterator[list[LockoutStore]]:
    """Give what two processes have of one empty store of each kind."""
    pools = []
    opened: list[LockoutStore]
    if request.param == "memory":
        opened = [MemoryLockoutStore()] * 2
    elif request.param == "shared":
        shared = MemoryLockoutStore()
        opened = [SharedLockoutStore(shared, gateways=2) for _ in range(2)]
    elif request.param == "redis":
        server: RedisServer = request.getfixturevalue("redis_server")
        server.run("FLUSHALL")
        place = RedisAddress(f"redis://127.0.0.1:{server.port}", password_file=server.password_file)
        pools = [open_pool(place) for _ in range(2)]
        opened = [RedisLockoutStore(pool) for pool in pools]
    else:
        url = request.getfixturevalue(f"{request.param}_url")
        opened = [DatabaseLockoutStore.open(url) for _ in range(2)]
    yield opened
    for store in opened:
        await store.close()
    for pool in pools:
        await pool.disconnect()


async def test_failures_of_both_count_together(stores: list[LockoutStore]) -> None:
    """What one counts the other finds, to the microsecond, as the rules have it."""
    known = None
    for number in range(RULES.failures + 2):
        now = NOW + timedelta(seconds=number)
        await stores[number % 2].count_failure(PAIR, RULES, now=now)
        known = count_failure(known, RULES, now=now)
    assert [await store.find(PAIR) for store in stores] == [known, known]
    assert await stores[0].find(OTHER) is None


async def test_each_of_many_at_once_counts(stores: list[LockoutStore]) -> None:
    """Ten failures at once in two processes are ten."""
    await asyncio.gather(
        *(stores[n % 2].count_failure(PAIR, RULES, now=NOW) for n in range(10)),
        stores[0].count_failure(OTHER, RULES, now=NOW),
    )
    found = await stores[1].find(PAIR)
    assert found is not None
    assert found.failures == 10


async def test_what_is_forgotten_is_gone_for_both(stores: list[LockoutStore]) -> None:
    """Forgetting twice, or what was never known, is no error."""
    for pair in (PAIR, OTHER):
        await stores[0].count_failure(pair, RULES, now=NOW)
    for store in (stores[1], stores[0]):
        await store.forget(PAIR)
        await asyncio.sleep(0.01)  # Redis forgets a millisecond later
    assert [await store.find(PAIR) for store in stores] == [None, None]
    assert await stores[1].find(OTHER) is not None
    await stores[0].count_failure(PAIR, RULES, now=NOW)
    found = await stores[1].find(PAIR)
    assert found is not None
    assert found.failures == 1


async def test_quiet_window_starts_anew(stores: list[LockoutStore]) -> None:
    """A failure long after the last is the first of a new count."""
    await stores[0].count_failure(PAIR, RULES, now=NOW)
    await stores[1].count_failure(PAIR, RULES, now=NOW + 2 * RULES.window)
    found = await stores[0].find(PAIR)
    assert found is not None
    assert found.failures == 1
