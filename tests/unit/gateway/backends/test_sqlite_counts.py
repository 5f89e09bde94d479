"""Counts in a file that several processes share; how they count is the contract of quota stores."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.backends.quotas import LimitsQuotaStore
from gateway.backends.sqlite_counts import SqliteCounts
from gateway.core.errors import QuotaExceeded, StoreUnavailable
from gateway.core.grants import Quota

NOW = datetime(2026, 11, 23, 10, 30, tzinfo=UTC)


def counts(tmp_path: Path, now: datetime = NOW) -> SqliteCounts:
    return SqliteCounts(tmp_path / "usage.db", lambda: now)


async def test_stores_on_one_file_count_together(tmp_path: Path) -> None:
    """Of requests that come to two stores at once exactly as many pass as the quota says."""
    stores = [LimitsQuotaStore(counts(tmp_path), lambda: NOW) for _ in range(2)]
    quota = Quota(requests_per_day=7)
    outcomes = await asyncio.gather(
        *(stores[number % 2].take("c-1", quota) for number in range(40)), return_exceptions=True
    )
    assert outcomes.count(None) == 7
    assert sum(isinstance(outcome, QuotaExceeded) for outcome in outcomes) == 33


def test_file_is_the_gateways_alone(tmp_path: Path) -> None:
    """It names clients, which is nobody else's business."""
    asyncio.run(counts(tmp_path).incr("k", 60))
    assert all(file.stat().st_mode & 0o077 == 0 for file in tmp_path.iterdir())


async def test_old_counts_are_forgotten(tmp_path: Path) -> None:
    """What has ended counts no more, begins anew, and is removed when others are counted."""
    early = counts(tmp_path)
    for number in range(6):
        await early.incr(f"k{number}", 60, amount=5)
    late = counts(tmp_path, NOW + timedelta(seconds=61))
    assert await late.get("k0") == 0
    assert await late.incr("k0", 60) == 1
    await late.incr("k1", 60)
    await late.incr("k2", 60)
    assert await late.reset() == 3


async def test_expiry_is_when_the_count_ends(tmp_path: Path) -> None:
    """It begins with the first count and is not moved by the next; without a count it is now."""
    store = counts(tmp_path)
    await store.incr("k", 60)
    await counts(tmp_path, NOW + timedelta(seconds=9)).incr("k", 60)
    assert await store.get_expiry("k") == NOW.timestamp() + 60
    assert await store.get_expiry("other") == NOW.timestamp()


async def test_cleared_counts_are_gone(tmp_path: Path) -> None:
    """By name, and with both windows."""
    store = counts(tmp_path)
    await store.incr("k", 60)
    await store.acquire_sliding_window_entry("s", 2, 60)
    await store.clear("k")
    await store.clear_sliding_window("s", 60)
    assert await store.reset() == 0


@pytest.mark.parametrize("fault", ["no folder", "no database", "a link"])
async def test_file_that_cannot_be_used_is_an_outage(tmp_path: Path, fault: str) -> None:
    """Nobody passes uncounted; once the file is good again, so are the counts."""
    file = tmp_path / "sub/usage.db"
    if fault != "no folder":
        file.parent.mkdir()
    if fault == "no database":
        file.write_bytes(b"x" * 5000)
    if fault == "a link":
        file.symlink_to(tmp_path / "elsewhere")
    store = SqliteCounts(file, lambda: NOW)
    with pytest.raises(StoreUnavailable):
        await store.incr("k", 60)
    assert not await store.check()
    file.parent.mkdir(exist_ok=True)
    file.unlink(missing_ok=True)
    assert await store.incr("k", 60) == 1
    assert await store.check()
