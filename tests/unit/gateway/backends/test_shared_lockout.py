"""Counts of all gateways, and of this one alone while the others cannot be asked."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from gateway.backends.memory_lockout import MemoryLockoutStore
from gateway.backends.shared_lockout import SharedLockoutStore
from gateway.core.errors import StoreUnavailable
from gateway.core.lockout import FailureRecord, LockoutRules

NOW = datetime(2026, 11, 23, tzinfo=UTC)
RULES = LockoutRules(failures=4)
PAIR = b"p" * 16


class Losable(MemoryLockoutStore):
    """A store that can be taken away, and counts how often it was asked."""

    lost = False
    asked = 0

    def _answer(self) -> None:
        self.asked += 1
        if self.lost:
            raise StoreUnavailable

    async def find(self, pair: bytes) -> FailureRecord | None:
        """Answer unless it is lost."""
        self._answer()
        return await super().find(pair)

    async def count_failure(self, pair: bytes, rules: LockoutRules, *, now: datetime) -> None:
        """Answer unless it is lost."""
        self._answer()
        await super().count_failure(pair, rules, now=now)

    async def forget(self, pair: bytes) -> None:
        """Answer unless it is lost."""
        self._answer()
        await super().forget(pair)


class Hung(Losable):
    """A store that never answers."""

    async def find(self, pair: bytes) -> FailureRecord | None:
        """Wait for ever."""
        await asyncio.Event().wait()
        return None


async def locked(store: SharedLockoutStore) -> bool:
    """Return whether the pair is locked now."""
    record = await store.find(PAIR)
    return record is not None and record.locked_until > NOW


async def test_gateways_count_together() -> None:
    """Two failures at each of two gateways lock at both; forgetting at one counts at the other."""
    shared = Losable()
    gateways = [SharedLockoutStore(shared, gateways=2) for _ in range(2)]
    for gateway in gateways * 2:
        await gateway.count_failure(PAIR, RULES, now=NOW)
    assert [await locked(gateway) for gateway in gateways] == [True, True]
    await gateways[0].forget(PAIR)
    assert [await locked(gateway) for gateway in gateways] == [False, False]


async def test_share_while_it_is_lost() -> None:
    """Half of the failures lock at each of two gateways, those of before the loss included."""
    shared = Losable()
    store = SharedLockoutStore(shared, gateways=2)
    await store.count_failure(PAIR, RULES, now=NOW)
    shared.lost = True
    assert not await locked(store)
    await store.count_failure(PAIR, RULES, now=NOW)
    assert await locked(store)
    await store.forget(PAIR)
    assert not await locked(store)


async def test_nobody_waits_for_long() -> None:
    """A store that failed is not asked for a second, and is asked again after it."""
    seconds = [0.0]
    shared = Losable()
    shared.lost = True
    store = SharedLockoutStore(shared, gateways=1, monotonic=lambda: seconds[0])
    for _ in range(3):
        await store.find(PAIR)
    assert shared.asked == 1
    seconds[0], shared.lost = 1.5, False
    await store.count_failure(PAIR, RULES, now=NOW)
    assert await store.find(PAIR) is not None
    assert shared.asked == 3
    await store.close()


async def test_store_that_hangs_is_lost_within_a_second() -> None:
    """The wait has an end, and this gateway's own count is asked."""
    store = SharedLockoutStore(Hung(), gateways=1)
    async with asyncio.timeout(5):
        assert await store.find(PAIR) is None
