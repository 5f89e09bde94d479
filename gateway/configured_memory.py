"""What gateways remember together, as it was configured: on this host, or in Redis for several."""

from __future__ import annotations

from importlib import import_module

from gateway.backends.quotas import LimitsQuotaStore
from gateway.backends.shared_memory import SharedMemory
from gateway.backends.sqlite_counts import SqliteCounts
from gateway.core.ports import Clock
from gateway.settings import Configuration


def open_shared_memory(configuration: Configuration, clock: Clock) -> SharedMemory:
    """Return the memory that was configured. Connects to nothing yet."""
    local = _quotas_of_this_host(configuration, clock)
    if configuration.settings.redis is None:
        return SharedMemory(local)
    # Redis' client takes 6 MB: loaded where there is a Redis.
    redis = import_module("gateway.configured_redis")
    memory: SharedMemory = redis.open_redis_memory(configuration, local, clock)
    return memory


def _quotas_of_this_host(configuration: Configuration, clock: Clock) -> LimitsQuotaStore:
    if configuration.settings.workers.count is None:
        return LimitsQuotaStore.in_memory(clock)
    return LimitsQuotaStore(SqliteCounts(configuration.at.directory / "usage.db", clock), clock)
