"""Whether what is remembered together can be relied on."""

from __future__ import annotations

from datetime import UTC, datetime

from gateway.backends.quotas import LimitsQuotaStore
from gateway.backends.shared_memory import SharedMemory
from gateway.core.errors import StoreUnavailable


async def test_ready_unless_it_says_otherwise() -> None:
    """Nothing to rely on is ready; an engine is ready while it can be relied on."""
    quotas = LimitsQuotaStore.in_memory(lambda: datetime.now(UTC))

    async def good() -> None:
        return

    async def away() -> None:
        raise StoreUnavailable

    assert await SharedMemory(quotas).is_ready()
    assert await SharedMemory(quotas, verify=good).is_ready()
    assert not await SharedMemory(quotas, verify=away).is_ready()
