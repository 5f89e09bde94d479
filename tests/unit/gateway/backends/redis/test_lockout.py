"""Counts in Redis: they end by themselves, and what is no count of ours is no answer."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gateway.backends.redis.connections import RedisAddress, open_pool
from gateway.backends.redis.lockout import RedisLockoutStore
from gateway.core.errors import StoreUnavailable
from gateway.core.lockout import LockoutRules
from tests.fakes.engines import RedisServer
from tests.story.processes import free_port

NOW = datetime(2026, 11, 23, tzinfo=UTC)


async def test_counts_end_by_themselves(redis_server: RedisServer) -> None:
    """Each has an end after its window; another value in its place is refused, not guessed at."""
    redis_server.run("FLUSHALL")
    place = RedisAddress(
        f"redis://127.0.0.1:{redis_server.port}", password_file=redis_server.password_file
    )
    pool = open_pool(place)
    store = RedisLockoutStore(pool)
    await store.count_failure(b"pair", LockoutRules(), now=NOW)
    milliseconds = int(redis_server.run("PTTL", "sealgate:lockout:pair")[1:])
    assert 890_000 < milliseconds <= 900_001
    redis_server.run("SET", "sealgate:lockout:pair", "1:2")
    with pytest.raises(StoreUnavailable):
        await store.find(b"pair")
    await pool.disconnect()


async def test_redis_that_is_away() -> None:
    """Nothing is counted, and the caller hears so."""
    pool = open_pool(RedisAddress(f"redis://127.0.0.1:{free_port()}"))
    store = RedisLockoutStore(pool)
    for asking in (store.find(b"p"), store.forget(b"p")):
        with pytest.raises(StoreUnavailable):
            await asking
    await pool.disconnect()
