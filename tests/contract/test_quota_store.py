"""One suite for every quota store: what is used up is refused, and a refusal costs nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.backends.quotas import LimitsQuotaStore
from gateway.backends.sqlite_counts import SqliteCounts
from gateway.core.errors import QuotaExceeded
from gateway.core.grants import UNLIMITED, Quota
from gateway.core.ports import QuotaStore
from tests.fakes.library_clock import LibraryClock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> LibraryClock:
    """Return the library's clock, for the test to move."""
    return LibraryClock(monkeypatch)


@pytest.fixture(params=["memory", "file"])
def store(clock: LibraryClock, tmp_path: Path, request: pytest.FixtureRequest) -> QuotaStore:
    """Give an empty store of each kind."""
    if request.param == "file":
        return LimitsQuotaStore(SqliteCounts(tmp_path / "usage.db", clock), clock)
    return LimitsQuotaStore.in_memory(clock)


async def taken(store: QuotaStore, quota: Quota, *, attempts: int, client_id: str = "c-1") -> int:
    """Return how many of *attempts* requests were let through."""
    passed = 0
    for _ in range(attempts):
        try:
            await store.take(client_id, quota)
        except QuotaExceeded:
            continue
        passed += 1
    return passed


async def test_without_a_quota_nothing_is_refused(store: QuotaStore) -> None:
    """A client that nobody limited may use as much as it likes."""
    await store.count_tokens("c-1", UNLIMITED, 10**9)
    assert await taken(store, UNLIMITED, attempts=200) == 200


@pytest.mark.parametrize("name", ["requests_per_minute", "requests_per_day"])
async def test_so_many_requests_and_no_more(store: QuotaStore, name: str) -> None:
    """Exactly as many requests pass as the quota says."""
    assert await taken(store, Quota(**{name: 3}), attempts=10) == 3


async def test_quota_of_nothing_lets_nothing_through(store: QuotaStore) -> None:
    """Zero is a limit like any other."""
    for name in ("requests_per_minute", "requests_per_day", "tokens_per_minute", "tokens_per_day"):
        assert await taken(store, Quota(**{name: 0}), attempts=2) == 0


async def test_clients_do_not_share(store: QuotaStore) -> None:
    """What one client used up another one still has."""
    quota = Quota(requests_per_minute=2, tokens_per_minute=10)
    await store.count_tokens("c-1", quota, 10)
    assert await taken(store, quota, attempts=1) == 0
    assert await taken(store, quota, attempts=3, client_id="c-2") == 2


async def test_refused_request_costs_nothing(store: QuotaStore, clock: LibraryClock) -> None:
    """Hammering while the minute is used up takes nothing from the day."""
    quota = Quota(requests_per_minute=2, requests_per_day=4)
    assert await taken(store, quota, attempts=50) == 2
    clock.advance(121)
    assert await taken(store, quota, attempts=50) == 2
    clock.advance(121)
    assert await taken(store, quota, attempts=50) == 0


async def test_tokens_are_counted_past_the_quota(store: QuotaStore, clock: LibraryClock) -> None:
    """An answer that crosses the quota is counted in full; then calls wait for the window."""
    quota = Quota(tokens_per_minute=100)
    await store.count_tokens("c-1", quota, 99)
    await store.take("c-1", quota)
    await store.count_tokens("c-1", quota, 5_000)
    with pytest.raises(QuotaExceeded, match="tokens per minute"):
        await store.take("c-1", quota)
    clock.advance(61)
    await store.take("c-1", quota)


async def test_retry_after_is_true(store: QuotaStore, clock: LibraryClock) -> None:
    """After the seconds that a refusal names the call passes, and not one second before."""
    quota = Quota(requests_per_minute=3, tokens_per_minute=50)
    await taken(store, quota, attempts=3)
    clock.advance(7.25)
    await store.count_tokens("c-1", quota, 50)
    with pytest.raises(QuotaExceeded) as caught:
        await store.take("c-1", quota)
    assert caught.value.retry_after_seconds <= 60
    clock.advance(caught.value.retry_after_seconds - 1)
    with pytest.raises(QuotaExceeded):
        await store.take("c-1", quota)
    clock.advance(1)
    await store.take("c-1", quota)


@pytest.mark.parametrize("offset", [0, 0.5, 20, 59.5])
async def test_no_moment_lets_the_quota_through_twice(
    store: QuotaStore, clock: LibraryClock, offset: float
) -> None:
    """Where two windows meet there is no place for a double burst."""
    quota = Quota(requests_per_minute=10)
    clock.advance(offset)
    passed = 0
    for _ in range(60):
        passed += await taken(store, quota, attempts=3)
        clock.advance(1)
    assert passed <= 20
    passed = 0
    for _ in range(60):
        passed += await taken(store, quota, attempts=3)
        clock.advance(1)
    assert passed <= 11


async def test_changed_quota_keeps_what_was_counted(store: QuotaStore) -> None:
    """A smaller or larger number counts from what was used already."""
    await taken(store, Quota(requests_per_day=5, tokens_per_day=10), attempts=5)
    await store.count_tokens("c-1", Quota(tokens_per_day=10), 8)
    assert await taken(store, Quota(requests_per_day=4), attempts=2) == 0
    assert await taken(store, Quota(requests_per_day=7), attempts=9) == 2
    assert await taken(store, Quota(tokens_per_day=8), attempts=1) == 0
    assert await taken(store, Quota(tokens_per_day=9), attempts=1) == 1


async def test_many_at_once_do_not_slip_through(store: QuotaStore) -> None:
    """Requests that come together are counted one by one."""
    quota = Quota(requests_per_minute=5, requests_per_day=100)
    results = await asyncio.gather(
        *(store.take("c-1", quota) for _ in range(50)), return_exceptions=True
    )
    assert results.count(None) == 5
    assert all(isinstance(result, QuotaExceeded) for result in results if result is not None)
