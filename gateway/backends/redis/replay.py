"""Tags of recent requests in Redis, for gateways on several hosts: SET if absent, with an end.

Exact as long as one server answers: a replica that takes over may lack the tags of the last moment
(ADR 0026).
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from datetime import datetime
from typing import Final

from redis.asyncio import Redis
from redis.asyncio.connection import BlockingConnectionPool

from gateway.backends.redis.connections import FAULTS, Unfit, verify_fit
from gateway.core.errors import Replayed, StoreUnavailable
from gateway.core.ports import Clock

_ANSWER_SECONDS: Final = 0.9  # a caller hears within a second, whatever the server does
_VERIFY_SECONDS: Final = 10.0  # a server can be told to evict while we are connected
_PREFIX: Final = b"sealgate:replay:"


class RedisReplayStore:
    """A ``ReplayStore`` in Redis. Belongs to one event loop."""

    def __init__(
        self,
        pool: BlockingConnectionPool,
        clock: Clock,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._redis = Redis(connection_pool=pool)
        self._clock = clock
        self._monotonic = monotonic
        self._verified_at = monotonic()  # each connection begins with a look of its own

    async def claim(self, tag: bytes, *, until: datetime) -> None:
        """Remember *tag*. Raises ``Replayed``, and ``StoreUnavailable`` within a second.

        A claim whose answer was lost may be taken: nothing passes because of that.
        """
        milliseconds = math.ceil((until - self._clock()).total_seconds() * 1000) + 1
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                if self._monotonic() - self._verified_at > _VERIFY_SECONDS:
                    await self._verify()
                is_new = await self._redis.set(_PREFIX + tag, b"", nx=True, px=max(1, milliseconds))
        except FAULTS:
            raise StoreUnavailable from None
        if not is_new:
            raise Replayed

    async def verify(self) -> None:
        """Raise ``StoreUnavailable``, which says why, unless the server can be relied on now."""
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                await self._verify()
        except Unfit as error:
            raise StoreUnavailable(str(error)) from None
        except FAULTS:
            raise StoreUnavailable("Redis does not answer, or does not let us in.") from None

    async def close(self) -> None:
        """Close all connections; what is under way fails."""
        await self._redis.connection_pool.disconnect()

    async def _verify(self) -> None:
        info = await self._redis.info()
        verify_fit({str(name): str(value) for name, value in info.items()})
        self._verified_at = self._monotonic()
