"""Bad credentials counted in Redis, which forgets them by its own clock."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from redis.asyncio import Redis
from redis.asyncio.connection import BlockingConnectionPool

from gateway.backends.redis.connections import FAULTS
from gateway.core.errors import StoreUnavailable
from gateway.core.lockout import FailureRecord, LockoutRules, count_failure

_SECONDS: Final = 0.85
_ATTEMPTS: Final = 20  # of as many that count the same pair at once one is through each time
_PREFIX: Final = b"sealgate:lockout:"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
# How a failure counts is written once, in Python; the server only sees that nobody was quicker.
_REPLACE: Final = """
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
"""


class RedisLockoutStore:
    """A ``LockoutStore`` in the Redis of *pool*, which whoever opened it closes."""

    def __init__(self, pool: BlockingConnectionPool) -> None:
        self._redis = Redis(connection_pool=pool)
        self._replace = self._redis.register_script(_REPLACE)

    async def find(self, pair: bytes) -> FailureRecord | None:
        """Return what is known of *pair*."""
        return _parse(await self._get(pair))

    async def count_failure(self, pair: bytes, rules: LockoutRules, *, now: datetime) -> None:
        """Count one failure."""
        for _ in range(_ATTEMPTS):
            before = await self._get(pair)
            counted = count_failure(_parse(before), rules, now=now)
            milliseconds = (counted.ends_at(rules) - now) // timedelta(milliseconds=1) + 1
            if await self._call(
                self._replace(keys=[_PREFIX + pair], args=[before, _encode(counted), milliseconds])
            ):
                return
        raise StoreUnavailable

    async def forget(self, pair: bytes) -> None:
        """Forget *pair*: by an end in a moment, for which no further right is needed."""
        await self._call(self._redis.set(_PREFIX + pair, b"", px=1))

    async def close(self) -> None:
        """Do nothing: the pool is another's."""

    async def _get(self, pair: bytes) -> bytes:
        return await self._call(self._redis.get(_PREFIX + pair)) or b""

    async def _call(self, command: Any) -> Any:
        try:
            async with asyncio.timeout(_SECONDS):
                return await command
        except FAULTS:
            raise StoreUnavailable from None


def _encode(record: FailureRecord) -> bytes:
    moments = ((at - _EPOCH) // _MICROSECOND for at in (record.failed_at, record.locked_until))
    return b"%d:%d:%d" % (record.failures, *moments)


def _parse(value: bytes) -> FailureRecord | None:
    """Return the record of *value*. Raises ``StoreUnavailable`` for what we never wrote."""
    if not value:
        return None
    try:
        failures, failed, locked = map(int, value.split(b":"))
        return FailureRecord(
            failures, _EPOCH + failed * _MICROSECOND, _EPOCH + locked * _MICROSECOND
        )
    except (ValueError, OverflowError):
        raise StoreUnavailable from None
