"""One suite for every replay store: each tag passes once while it is remembered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.backends.database.replay import DatabaseReplayStore
from gateway.backends.memory_replay import MemoryReplayStore
from gateway.backends.redis.connections import RedisAddress, open_pool
from gateway.backends.redis.replay import RedisReplayStore
from gateway.core.errors import Replayed, StoreUnavailable
from gateway.core.ports import ReplayStore
from gateway.core.replay import replay_tag, replay_until
from tests.fakes.control import FakeClock
from tests.fakes.engines import RedisServer

TAG = replay_tag(b"one")


@pytest.fixture
def clock() -> FakeClock:
    """Return a clock that the test moves."""
    return FakeClock()


@pytest.fixture(params=["memory", "sqlite", "postgresql", "redis"])
async def store(request: pytest.FixtureRequest, clock: FakeClock) -> AsyncIterator[ReplayStore]:
    """Give an empty store of each kind."""
    if request.param == "memory":
        opened: ReplayStore = MemoryReplayStore(clock)
    elif request.param == "redis":
        server: RedisServer = request.getfixturevalue("redis_server")
        server.run("FLUSHALL")
        place = RedisAddress(f"redis://127.0.0.1:{server.port}", password_file=server.password_file)
        opened = RedisReplayStore(open_pool(place), clock)
    else:
        url = request.getfixturevalue(f"{request.param}_url")
        opened = DatabaseReplayStore.open(url, clock)
    yield opened
    await opened.close()


async def outcomes(store: ReplayStore, tags: list[bytes], clock: FakeClock) -> list[object]:
    """Claim all *tags* at once; return None or the error of each."""
    claims = (store.claim(tag, until=replay_until(clock())) for tag in tags)
    return await asyncio.gather(*claims, return_exceptions=True)


async def test_one_of_fifty_claims_wins(store: ReplayStore, clock: FakeClock) -> None:
    """Fifty identical claims at once: exactly one passes, the others are replays."""
    found = await outcomes(store, [TAG] * 50, clock)
    assert found.count(None) == 1
    assert sum(isinstance(outcome, Replayed) for outcome in found) == 49


async def test_different_tags_all_pass(store: ReplayStore, clock: FakeClock) -> None:
    """Claims of different requests do not touch each other."""
    tags = [replay_tag(bytes([number])) for number in range(200)]
    assert await outcomes(store, tags, clock) == [None] * 200


async def test_tag_is_remembered_until_its_end(store: ReplayStore, clock: FakeClock) -> None:
    """A tag is taken up to its end, that moment included, and free again after it."""
    _skip_where_time_cannot_be_moved(store)
    end = clock.now.replace(microsecond=0) + timedelta(seconds=10)
    await store.claim(TAG, until=end)
    for moment in (end - timedelta(seconds=9), end):
        clock.now = moment
        with pytest.raises(Replayed):
            await store.claim(TAG, until=end)
    clock.now = end + timedelta(seconds=1)
    await store.claim(TAG, until=end + timedelta(seconds=10))
    with pytest.raises(Replayed):
        await store.claim(TAG, until=end)


async def test_expired_tags_are_forgotten(store: ReplayStore, clock: FakeClock) -> None:
    """Tags whose time is over make room for others, also the one claimed again in between."""
    _skip_where_time_cannot_be_moved(store)
    first = [replay_tag(b"a%d" % number) for number in range(100)]
    await outcomes(store, first, clock)
    clock.advance(hours=1)
    await store.claim(first[-1], until=replay_until(clock()))
    for number in range(100):
        await store.claim(replay_tag(b"b%d" % number), until=replay_until(clock()))
    with pytest.raises(Replayed):
        await store.claim(first[-1], until=replay_until(clock()))
    assert await outcomes(store, first[:-1], clock) == [None] * 99


async def test_unreachable_store_says_so(tmp_path: Path, clock: FakeClock) -> None:
    """Without a file, or with a full memory, a claim is refused and never passes."""
    gone = DatabaseReplayStore.open(f"sqlite+aiosqlite:///{tmp_path / 'none.db'}", clock)
    full = MemoryReplayStore(clock, max_tags=0)
    for store in (gone, full):
        with pytest.raises(StoreUnavailable):
            await store.claim(TAG, until=replay_until(clock()))
        await store.close()
    assert not (tmp_path / "none.db").exists()


def _skip_where_time_cannot_be_moved(store: ReplayStore) -> None:
    if isinstance(store, RedisReplayStore):
        pytest.skip("Redis forgets by its own clock, which has tests of its own")
