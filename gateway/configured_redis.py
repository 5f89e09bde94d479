"""What gateways on several hosts remember together, as it was configured: in Redis or nowhere."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from gateway.backends.quotas import LimitsQuotaStore
from gateway.backends.redis.connections import RedisAddress, open_pool
from gateway.backends.redis.lockout import RedisLockoutStore
from gateway.backends.redis.quotas import SharedQuotas, open_shared_quotas
from gateway.backends.redis.replay import RedisReplayStore
from gateway.backends.shared_lockout import SharedLockoutStore
from gateway.backends.sqlite_counts import SqliteCounts
from gateway.core.errors import StoreUnavailable
from gateway.core.lockout import LockoutStore
from gateway.core.ports import Clock, QuotaStore, ReplayStore
from gateway.settings import Configuration


class SharedMemory(NamedTuple):
    """What is counted and remembered outside of the database."""

    quota_store: QuotaStore
    replay_store: ReplayStore | None = None
    """None: requests are remembered in the database. Closing it closes everything here."""

    lockout_store: LockoutStore | None = None
    """None: bad credentials are counted in the database."""

    verify: Callable[[], Awaitable[None]] | None = None
    """Raises ``StoreUnavailable``, which says why, unless Redis can be relied on now."""

    async def is_ready(self) -> bool:
        """Return whether requests can be remembered, as far as it is Redis that does it."""
        if self.verify is None:
            return True
        try:
            await self.verify()
        except StoreUnavailable:
            return False
        return True


def open_shared_memory(configuration: Configuration, clock: Clock) -> SharedMemory:
    """Return the memory that was configured. Connects to nothing yet."""
    redis, base = configuration.settings.redis, configuration.at.base
    local = _quotas_of_this_host(configuration, clock)
    if redis is None:
        return SharedMemory(local)
    address = RedisAddress(
        redis.url,
        redis.user,
        base / redis.password_file if redis.password_file else None,
        base / redis.ca_file if redis.ca_file else None,
    )
    pool = open_pool(address)
    replay = RedisReplayStore(pool, clock)
    quotas = SharedQuotas(open_shared_quotas(pool, clock), local, gateways=redis.gateways)
    lockouts = SharedLockoutStore(RedisLockoutStore(pool), gateways=redis.gateways)
    return SharedMemory(quotas, replay, lockouts, replay.verify)


def _quotas_of_this_host(configuration: Configuration, clock: Clock) -> LimitsQuotaStore:
    if configuration.settings.workers.count is None:
        return LimitsQuotaStore.in_memory(clock)
    return LimitsQuotaStore(SqliteCounts(configuration.at.directory / "usage.db", clock), clock)
