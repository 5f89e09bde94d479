"""The store over the ``limits`` library; what every quota store promises is in tests/contract."""

from __future__ import annotations

import asyncio

import pytest
from limits.aio.storage import MemoryStorage

from gateway.backends.quotas import LimitsQuotaStore, MemoryCounts
from gateway.core.errors import QuotaExceeded, StoreUnavailable
from gateway.core.grants import Quota
from tests.fakes.library_clock import LibraryClock
from tests.fakes.waiting import until

EVERYTHING = Quota(requests_per_minute=1, requests_per_day=1, tokens_per_minute=1, tokens_per_day=1)


@pytest.fixture
def clock(monkeypatch):
    return LibraryClock(monkeypatch)


class BrokenStorage(MemoryStorage):
    """A storage that fails as a remote one does."""

    async def get(self, key):
        raise ValueError(key)

    incr = get

    async def get_sliding_window(self, key, expiry):
        return await self.get(key)


@pytest.mark.parametrize("name", ["requests_per_minute", "tokens_per_day"])
async def test_storage_that_fails_refuses(clock, name):
    """Who cannot count lets nothing through, and shows nothing of the storage's error."""
    store = LimitsQuotaStore(BrokenStorage(wrap_exceptions=True), clock)
    with pytest.raises(StoreUnavailable) as caught:
        await store.take("c-1", Quota(**{name: 5}))
    assert "c-1" not in str(caught.value)


async def test_storage_that_says_nothing_is_not_waited_for(clock):
    """A storage that hangs is an outage within a second, for those who count tokens too."""

    class Silent(MemoryStorage):
        async def get_sliding_window(self, *_, **__):
            await asyncio.Event().wait()

        incr = get_sliding_window

    store = LimitsQuotaStore(Silent(), clock)
    asking = [store.take("c-1", EVERYTHING), store.count_tokens("c-1", EVERYTHING, 1)]
    outcomes = await asyncio.wait_for(asyncio.gather(*asking, return_exceptions=True), 20)
    assert [type(outcome) for outcome in outcomes] == [StoreUnavailable, StoreUnavailable]


async def test_refusal_names_all_that_is_used_up_and_waits_for_the_last(clock):
    """One answer tells which numbers are used up; the time to wait is that of the longest."""
    store = LimitsQuotaStore.in_memory(clock)
    await store.take("c-1", EVERYTHING)
    await store.count_tokens("c-1", EVERYTHING, 1)
    with pytest.raises(QuotaExceeded) as caught:
        await store.take("c-1", EVERYTHING)
    for name in ("requests per minute", "requests per day", "tokens per minute", "tokens per day"):
        assert name in caught.value.detail
    assert 86_000 < caught.value.retry_after_seconds <= 86_400


async def test_request_that_loses_a_race_is_refused(clock):
    """Another process may take the last request between the look and the count."""

    class Racing(MemoryStorage):
        async def acquire_sliding_window_entry(self, key, limit, expiry, amount=1):
            return False

    store = LimitsQuotaStore(Racing(), clock)
    with pytest.raises(QuotaExceeded) as caught:
        await store.take("c-1", Quota(requests_per_minute=5))
    assert caught.value.retry_after_seconds == 1


async def test_seconds_to_wait_stay_within_the_window_when_clocks_differ(monkeypatch, clock):
    """A clock apart from the storage's never sends a client away for longer than the window."""
    store = LimitsQuotaStore.in_memory(clock)
    quota = Quota(tokens_per_minute=1)
    await store.count_tokens("c-1", quota, 1)
    behind = LibraryClock(monkeypatch)
    behind.advance(-5_000)
    clock.advance(-10_000)
    store._clock = clock
    with pytest.raises(QuotaExceeded) as caught:
        await store.take("c-1", quota)
    assert caught.value.retry_after_seconds == 60


async def test_old_counts_are_swept_but_not_at_each_count(clock):
    """What has expired is forgotten in time; between two sweeps a count looks at its key alone."""
    counts = MemoryCounts()
    await counts.incr("old", 10)
    await asyncio.sleep(0)
    clock.advance(11)
    pause = counts.timer
    for number in range(5):
        await counts.incr(f"new-{number}", 10)
        await asyncio.sleep(0)
    assert counts.timer is pause
    assert "old" in counts.storage
    pause.cancel()
    await asyncio.wait({pause})
    await counts.incr("new", 10)
    await until(lambda: "old" not in counts.storage)
