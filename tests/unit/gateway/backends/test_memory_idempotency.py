"""Calls with an idempotency key in memory. The promises of the port are in tests/contract."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from gateway.backends.memory_idempotency import MemoryIdempotencyStore
from gateway.core.idempotency import CallClaim

NOW = datetime(2026, 11, 23, tzinfo=UTC)


async def test_stores_share_nothing() -> None:
    """Each store is a memory of its own."""
    claim = CallClaim("t", "f", "c", claimed_at=NOW, expires_at=NOW + timedelta(days=1))
    for store in (MemoryIdempotencyStore(), MemoryIdempotencyStore()):
        assert await store.claim(claim) is claim
        await store.close()
