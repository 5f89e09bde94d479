"""Tags in Redis: exact with two gateways, forgotten by the server's clock, never by accident."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import pytest
from redis.asyncio.connection import BlockingConnectionPool
from redis.exceptions import TimeoutError as RedisTimeoutError

from gateway.backends.redis.connections import RedisAddress, open_pool
from gateway.backends.redis.replay import RedisReplayStore
from gateway.core.errors import Replayed, StoreUnavailable
from tests.fakes.engines import RedisServer

Opener = Callable[[], RedisReplayStore]


def now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


class Seconds:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


SECONDS = Seconds()


@pytest.fixture
async def opened(redis_server: RedisServer) -> AsyncIterator[Opener]:
    """Return what opens stores on an empty server."""
    redis_server.run("FLUSHALL")
    stores: list[RedisReplayStore] = []

    def opener() -> RedisReplayStore:
        place = RedisAddress(
            f"redis://127.0.0.1:{redis_server.port}/3", password_file=redis_server.password_file
        )
        stores.append(RedisReplayStore(open_pool(place), now, monotonic=SECONDS))
        return stores[-1]

    yield opener
    for store in stores:
        await store.close()


async def test_two_gateways_agree(opened: Opener) -> None:
    """Two gateways claim each of four tags twenty-five times at once: each passes once in all."""
    stores, until = (opened(), opened()), now() + timedelta(minutes=4)
    tags = [bytes([n]) * 16 for n in range(4)]
    claims = [(tag, store.claim(tag, until=until)) for tag in tags for store in stores * 25]
    found = await asyncio.gather(*(claim for _, claim in claims), return_exceptions=True)
    assert all(outcome is None or isinstance(outcome, Replayed) for outcome in found)
    won = [tag for (tag, _), outcome in zip(claims, found, strict=True) if outcome is None]
    assert sorted(won) == tags


async def test_server_forgets_a_tag_after_its_end(opened: Opener) -> None:
    """A tag has an end of its own in the server, which is not before the one it was claimed for."""
    store = opened()
    for tag, seconds in ((b"long", 250), (b"past", -5)):
        await store.claim(tag, until=now() + timedelta(seconds=seconds))
    left = await store._table._redis.pttl(b"sealgate:replay:long")
    assert 249_000 < left <= 252_001
    await asyncio.sleep(0.02)
    await store.claim(b"past", until=now() + timedelta(minutes=1))
    with pytest.raises(Replayed):
        await store.claim(b"past", until=now() + timedelta(minutes=1))


async def test_server_told_to_evict_is_noticed(opened: Opener, redis_server: RedisServer) -> None:
    """What a server is told while we are connected counts within seconds, also back again."""
    store, until = opened(), now() + timedelta(minutes=4)
    await store.claim(b"1", until=until)
    for policy, works in (("volatile-lru", False), ("noeviction", True)):
        redis_server.run("CONFIG", "SET", "maxmemory-policy", policy)
        SECONDS.now += 11
        if works:
            await store.claim(b"2", until=until)
        else:
            with pytest.raises(StoreUnavailable):
                await store.claim(b"2", until=until)


class HangingPool(BlockingConnectionPool):
    """Connections over TLS to a server that is frozen: it never says that they are closed."""

    async def disconnect(self, inuse_connections: bool = True) -> None:
        """Give up, as the library does."""
        raise RedisTimeoutError


async def test_a_server_that_hangs_lets_everything_else_be_closed() -> None:
    """The log and the database are closed after this, and would lose what they hold."""
    await RedisReplayStore(HangingPool(), now).close()
