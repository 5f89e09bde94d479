"""Quotas counted in Redis for all gateways together; while it is away each counts its own share.

A share is the quota divided by the number of gateways, rounded up. What was counted in one place is
not carried over to the other.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import asdict
from typing import Final

from limits.aio.storage import RedisStorage
from redis.asyncio.connection import BlockingConnectionPool

from gateway.backends.quotas import LimitsQuotaStore
from gateway.core.errors import StoreUnavailable
from gateway.core.grants import Quota
from gateway.core.ports import Clock, QuotaStore

_ANSWER_SECONDS: Final = 0.9
_PAUSE_SECONDS: Final = 1.0  # after a failure nobody waits for the server for so long


def open_shared_quotas(pool: BlockingConnectionPool, clock: Clock) -> LimitsQuotaStore:
    """Return a store whose counts are in the Redis of *pool*, which whoever opened it closes."""
    # The address is not used beside a pool, but the library reads its scheme.
    storage = RedisStorage(
        "async+redis://",
        wrap_exceptions=True,
        implementation="redispy",
        key_prefix="sealgate:quota",
        connection_pool=pool,  # type: ignore[arg-type]  # as its documentation says
    )
    return LimitsQuotaStore(storage, clock)


class SharedQuotas:
    """A ``QuotaStore`` that asks *shared*, and counts a share in *local* while that is away."""

    def __init__(
        self,
        shared: QuotaStore,
        local: QuotaStore,
        *,
        gateways: int,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._shared = shared
        self._local = local
        self._gateways = gateways
        self._monotonic = monotonic
        self._away_until = float("-inf")

    async def take(self, client_id: str, quota: Quota) -> None:
        """Count one request of this client, of the quota or of this gateway's share of it."""
        if not await self._is_done(self._shared.take(client_id, quota)):
            await self._local.take(client_id, self._share(quota))

    async def count_tokens(self, client_id: str, quota: Quota, tokens: int) -> None:
        """Count *tokens* where requests are counted now."""
        if not await self._is_done(self._shared.count_tokens(client_id, quota, tokens)):
            await self._local.count_tokens(client_id, self._share(quota), tokens)

    async def _is_done(self, asking: Coroutine[None, None, None]) -> bool:
        """Return whether *asking* was answered. Raises ``QuotaExceeded`` as it does."""
        if self._monotonic() < self._away_until:
            asking.close()
            return False
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                await asking
        except (StoreUnavailable, TimeoutError):
            self._away_until = self._monotonic() + _PAUSE_SECONDS
            return False
        return True

    def _share(self, quota: Quota) -> Quota:
        numbers = asdict(quota)
        return Quota(
            **{
                name: None if number is None else -(-number // self._gateways)
                for name, number in numbers.items()
            }
        )
