"""Bad credentials counted for all gateways together, and by each for its share while that is lost.

Each failure is counted here as well, so that a gateway that loses the others does not begin at
none.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any, Final, TypeVar

from gateway.backends.memory_lockout import MemoryLockoutStore
from gateway.core.errors import StoreUnavailable
from gateway.core.lockout import FailureRecord, LockoutRules, LockoutStore

_ANSWER_SECONDS: Final = 0.9
_PAUSE_SECONDS: Final = 1.0  # after a failure nobody waits for the store for so long

T = TypeVar("T")


class SharedLockoutStore:
    """A ``LockoutStore`` that asks *shared*, and while that is away this gateway's own counts.

    Locks out after the share of one of *gateways* then. Never raises ``StoreUnavailable``.
    """

    def __init__(
        self,
        shared: LockoutStore,
        *,
        gateways: int,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._shared = shared
        self._own = MemoryLockoutStore()
        self._gateways = gateways
        self._monotonic = monotonic
        self._away_until = float("-inf")

    async def find(self, pair: bytes) -> FailureRecord | None:
        """Return what all know of *pair*, or else what this gateway does."""
        try:
            return await self._ask(self._shared.find(pair))
        except StoreUnavailable:
            return await self._own.find(pair)

    async def count_failure(self, pair: bytes, rules: LockoutRules, *, now: datetime) -> None:
        """Count one failure, here and for all."""
        await self._own.count_failure(pair, rules.share(self._gateways), now=now)
        try:
            await self._ask(self._shared.count_failure(pair, rules, now=now))
        except StoreUnavailable:
            return

    async def forget(self, pair: bytes) -> None:
        """Forget *pair*; what cannot be forgotten for all now ends by itself."""
        await self._own.forget(pair)
        try:
            await self._ask(self._shared.forget(pair))
        except StoreUnavailable:
            return

    async def close(self) -> None:
        """Close what is shared."""
        await self._shared.close()

    async def _ask(self, asking: Coroutine[Any, Any, T]) -> T:
        if self._monotonic() < self._away_until:
            asking.close()
            raise StoreUnavailable
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                return await asking
        except (StoreUnavailable, TimeoutError):
            self._away_until = self._monotonic() + _PAUSE_SECONDS
            raise StoreUnavailable from None
