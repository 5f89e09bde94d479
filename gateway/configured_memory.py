"""What gateways remember together, as it was configured: on this host, or in Redis for several."""

from __future__ import annotations

from importlib import import_module

from gateway.backends.place_locks import PlaceLocks
from gateway.backends.quotas import LimitsQuotaStore
from gateway.backends.shared_memory import SharedMemory
from gateway.backends.sqlite_counts import SqliteCounts
from gateway.core.ports import Clock
from gateway.settings import Configuration


def open_shared_memory(configuration: Configuration, clock: Clock) -> SharedMemory:
    """Return the memory that was configured. Connects to nothing yet."""
    memory = _memory_of_this_host(configuration, clock)
    if configuration.settings.redis is None:
        return memory
    # Redis' client takes 6 MB: loaded where there is a Redis.
    redis = import_module("gateway.configured_redis")
    shared: SharedMemory = redis.open_redis_memory(configuration, memory.quota_store, clock)
    return shared._replace(places=memory.places)


def _memory_of_this_host(configuration: Configuration, clock: Clock) -> SharedMemory:
    if configuration.settings.workers.count is None:
        return SharedMemory(LimitsQuotaStore.in_memory(clock))
    directory = configuration.at.directory
    counts = SqliteCounts(directory / "usage.db", clock)
    return SharedMemory(LimitsQuotaStore(counts, clock), places=PlaceLocks(directory / "answers"))
