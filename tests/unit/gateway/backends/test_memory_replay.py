"""Tags in memory: bounded, and never forgotten before their time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.backends.memory_replay import MemoryReplayStore
from gateway.core.errors import Replayed, StoreUnavailable
from tests.fakes.control import FakeClock


async def test_full_memory_refuses_and_recovers() -> None:
    """A full memory lets nothing pass until a tag has expired, and forgets none before."""
    clock = FakeClock()
    store = MemoryReplayStore(clock, max_tags=2)
    end = clock() + timedelta(seconds=10)
    await store.claim(b"a", until=end)
    await store.claim(b"b", until=end)
    with pytest.raises(StoreUnavailable):
        await store.claim(b"c", until=end)
    with pytest.raises(Replayed):
        await store.claim(b"a", until=end)
    clock.advance(seconds=11)
    await store.claim(b"c", until=end + timedelta(seconds=20))
    await store.close()


async def test_claimed_again_outlives_its_first_end() -> None:
    """An expired tag that is claimed again before it was swept keeps its new end."""
    clock = FakeClock()
    store = MemoryReplayStore(clock)
    for number in range(20):
        await store.claim(bytes([number]), until=clock() + timedelta(seconds=1))
    clock.advance(seconds=2)
    last = bytes([19])
    await store.claim(last, until=clock() + timedelta(seconds=60))
    for number in range(5):
        await store.claim(b"x%d" % number, until=clock() + timedelta(seconds=60))
    with pytest.raises(Replayed):
        await store.claim(last, until=clock())
