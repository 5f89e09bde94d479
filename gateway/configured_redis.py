"""What gateways on several hosts remember together, in the Redis that was configured."""

from __future__ import annotations

from gateway.backends.redis.connections import RedisAddress, open_pool
from gateway.backends.redis.lockout import RedisLockoutStore
from gateway.backends.redis.quotas import SharedQuotas, open_shared_quotas
from gateway.backends.redis.replay import RedisReplayStore
from gateway.backends.shared_lockout import SharedLockoutStore
from gateway.backends.shared_memory import SharedMemory
from gateway.core.ports import Clock, QuotaStore
from gateway.settings import Configuration


def open_redis_memory(
    configuration: Configuration, local: QuotaStore, clock: Clock
) -> SharedMemory:
    """Return the memory in Redis; *local* counts while it is away. Connects to nothing yet."""
    redis, base = configuration.settings.redis, configuration.at.base
    assert redis is not None
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
