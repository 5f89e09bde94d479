"""What clients have used, counted by the ``limits`` library (ADR-0016).

Requests are counted over a window that slides: this minute's and, weighted, what is left of the
minute before, so that twice the quota never passes at one go. Tokens are known only when they are
spent and must be counted past the quota too, which a sliding window would refuse; they are counted
over a window that begins with the first tokens after the last one ended. A day is counted like a
minute of 86,400 seconds.

Time is the library's: the wall clock of the machine that holds the storage. A clock that is set
back makes a window longer, one that is set forward ends it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from math import floor
from typing import NamedTuple

from limits import RateLimitItem, RateLimitItemPerDay, RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage, Storage
from limits.aio.strategies import (
    FixedWindowRateLimiter,
    RateLimiter,
    SlidingWindowCounterRateLimiter,
)
from limits.errors import StorageError

from gateway.core.errors import QuotaExceeded, StoreUnavailable
from gateway.core.grants import Quota
from gateway.core.ports import Clock

_SWEEP_SECONDS = 60
_ANSWER_SECONDS = 0.9  # a request hears within a second, whatever the storage does


class _Rule(NamedTuple):
    """One number of a quota: what it is called, how it is counted and where."""

    name: str
    limiter: RateLimiter
    item: RateLimitItem
    key: str


class _KeptCount(RateLimitItem):
    """A limit whose count stays when an operator changes its amount, which the library forgets."""

    def key_for(self, *identifiers: bytes | str | float) -> str:
        return "/".join([self.namespace, *map(str, identifiers), self.GRANULARITY.name])


class _PerMinute(_KeptCount, RateLimitItemPerMinute):
    pass


class _PerDay(_KeptCount, RateLimitItemPerDay):
    pass


class MemoryCounts(MemoryStorage):
    """The library's storage in memory, which looks for old counts at most once a minute.

    Left to itself it looks through all counts at each count: with a thousand clients that would
    cost more than the rest of a request.
    """

    async def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Add *amount* to the count of *key*; return the sum."""
        before = self.timer
        total = await super().incr(key, expiry, amount)
        if self.timer is not None and self.timer is not before:
            self.timer = asyncio.create_task(_then_pause(self.timer))
        return total


class LimitsQuotaStore:
    """A ``QuotaStore`` over a storage of the ``limits`` library.

    *storage* must support sliding window counters; its errors are shown as ``StoreUnavailable`` if
    it was made with ``wrap_exceptions``, and so is its silence. *clock* only turns the end of a
    window into seconds.
    """

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self._clock = clock
        self._requests = SlidingWindowCounterRateLimiter(storage)
        self._tokens = FixedWindowRateLimiter(storage)

    @classmethod
    def in_memory(cls, clock: Clock) -> LimitsQuotaStore:
        """Return a store for one process; with it, everything counted is forgotten."""
        return cls(MemoryCounts(), clock)

    async def take(self, client_id: str, quota: Quota) -> None:
        """Count one request of this client. A refused request is not counted.

        All numbers are looked at before one is counted. Between two processes a request can come
        between; then the later one is refused and may have been counted in a part of its numbers.
        """
        requests = list(self._request_rules(client_id, quota))
        rules = (*requests, *self._token_rules(client_id, quota))
        if not rules:
            return
        async with _as_ours():
            used_up = [r for r in rules if not await r.limiter.test(r.item, r.key)]
            if not used_up:
                used_up = [r for r in requests if not await r.limiter.hit(r.item, r.key)]
            if used_up:
                raise await self._refusal(used_up)

    async def count_tokens(self, client_id: str, quota: Quota, tokens: int) -> None:
        """Count *tokens* in every window that *quota* limits."""
        async with _as_ours():
            for rule in self._token_rules(client_id, quota):
                await rule.limiter.hit(rule.item, rule.key, cost=tokens)

    def _request_rules(self, client_id: str, quota: Quota) -> Iterator[_Rule]:
        key = f"requests/{client_id}"
        if quota.requests_per_minute is not None:
            per_minute = _PerMinute(quota.requests_per_minute)
            yield _Rule("requests per minute", self._requests, per_minute, key)
        if quota.requests_per_day is not None:
            per_day = _PerDay(quota.requests_per_day)
            yield _Rule("requests per day", self._requests, per_day, key)

    def _token_rules(self, client_id: str, quota: Quota) -> Iterator[_Rule]:
        key = f"tokens/{client_id}"
        if quota.tokens_per_minute is not None:
            per_minute = _PerMinute(quota.tokens_per_minute)
            yield _Rule("tokens per minute", self._tokens, per_minute, key)
        if quota.tokens_per_day is not None:
            per_day = _PerDay(quota.tokens_per_day)
            yield _Rule("tokens per day", self._tokens, per_day, key)

    async def _refusal(self, used_up: list[_Rule]) -> QuotaExceeded:
        """Return the refusal, with the seconds after which each of these has something left."""
        now = self._clock().timestamp()
        seconds = 1
        for rule in used_up:
            end = (await rule.limiter.get_window_stats(rule.item, rule.key)).reset_time
            # At the very moment it would still be refused, so never less than what is left.
            left = floor(end - now) + 1
            seconds = max(seconds, min(left, rule.item.get_expiry()))
        names = " and ".join(rule.name for rule in used_up)
        return QuotaExceeded(f"The quota of {names} is used up.", retry_after_seconds=seconds)


async def _then_pause(sweep: asyncio.Task[None]) -> None:
    await sweep
    await asyncio.sleep(_SWEEP_SECONDS)


@asynccontextmanager
async def _as_ours() -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            yield
    except (StorageError, TimeoutError):
        raise StoreUnavailable from None
