"""Tags of recent requests in Redis, for gateways on several hosts: SET if absent, with an end.

Exact as long as one server answers: a replica that takes over may lack the tags of the last moment
(ADR 0026).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from redis.asyncio import Redis
from redis.asyncio.connection import BlockingConnectionPool

from gateway.backends.batched_replay import BatchedReplayStore, TagClaim
from gateway.backends.redis.connections import FAULTS, Unfit, verify_fit
from gateway.core.errors import StoreUnavailable
from gateway.core.ports import Clock

_WRITE_SECONDS: Final = 0.85  # so that whoever comes meanwhile is not kept waiting much longer
_VERIFY_SECONDS: Final = 10.0  # a server can be told to evict while we are connected
_PREFIX: Final = b"sealgate:replay:"


class RedisTags:
    """Tags as keys of Redis, which forgets them by its own clock. A ``TagTable``."""

    def __init__(
        self, pool: BlockingConnectionPool, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._redis = Redis(connection_pool=pool)
        self._monotonic = monotonic
        self._verified_at = monotonic()  # each connection begins with a look of its own

    async def insert(
        self,
        claims: Sequence[TagClaim],
        *,
        now: int,
        forget_at_most: int,  # noqa: ARG002  # each key has an end of its own
    ) -> list[bool]:
        """Write *claims* in one round trip; return which were new."""
        try:
            async with asyncio.timeout(_WRITE_SECONDS):
                if self._monotonic() - self._verified_at > _VERIFY_SECONDS:
                    await self._verify()
                pipeline = self._redis.pipeline(transaction=False)
                for claim in claims:
                    # Up to its last moment and never less, as far as the clocks agree.
                    milliseconds = max(0, claim.until_seconds - now) * 1000 + 1
                    pipeline.set(_PREFIX + claim.tag, b"", nx=True, px=milliseconds)
                return [bool(is_new) for is_new in await pipeline.execute()]
        except FAULTS:
            raise StoreUnavailable from None

    async def verify(self) -> None:
        """Raise ``StoreUnavailable``, which says why, unless the server can be relied on now."""
        try:
            async with asyncio.timeout(_WRITE_SECONDS):
                await self._verify()
        except Unfit as error:
            raise StoreUnavailable(str(error)) from None
        except FAULTS:
            raise StoreUnavailable("Redis does not answer, or does not let us in.") from None

    async def close(self) -> None:
        """Close all connections of the pool. What hangs is left alone: others are to be closed."""
        with suppress(*FAULTS):
            await self._redis.connection_pool.disconnect()

    async def _verify(self) -> None:
        info = await self._redis.info()
        verify_fit({str(name): str(value) for name, value in info.items()})
        self._verified_at = self._monotonic()


class RedisReplayStore(BatchedReplayStore):
    """A ``ReplayStore`` in Redis. Belongs to one event loop."""

    def __init__(
        self,
        pool: BlockingConnectionPool,
        clock: Clock,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tags = RedisTags(pool, monotonic=monotonic)
        super().__init__(self._tags, clock)

    async def verify(self) -> None:
        """Raise ``StoreUnavailable``, which says why, unless the server can be relied on now."""
        await self._tags.verify()
