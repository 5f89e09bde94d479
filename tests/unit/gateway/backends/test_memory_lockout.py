"""The counts of one process."""

from __future__ import annotations

from datetime import UTC, datetime

from gateway.backends.memory_lockout import MemoryLockoutStore
from gateway.core.lockout import LockoutRules

NOW = datetime(2026, 11, 23, tzinfo=UTC)


async def test_memory_is_bounded() -> None:
    """Above the limit the pair that failed longest ago is forgotten."""
    store = MemoryLockoutStore(max_pairs=2)
    for pair in (b"1", b"2", b"1", b"3"):
        await store.count_failure(pair, LockoutRules(), now=NOW)
    assert [await store.find(pair) is not None for pair in (b"1", b"2", b"3")] == [
        True,
        False,
        True,
    ]
