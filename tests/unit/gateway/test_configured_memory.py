"""What gateways remember together, as it was configured."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.backends.quotas import LimitsQuotaStore
from gateway.backends.shared_memory import SharedMemory
from gateway.configured_memory import open_shared_memory
from gateway.core.errors import QuotaExceeded
from gateway.core.grants import Quota
from gateway.settings import load_configuration


def now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


def opened(tmp_path: Path, text: str) -> SharedMemory:
    """Return the memory of a configuration of *text*."""
    file = tmp_path / "sealgate.toml"
    file.write_text(text, "utf-8")
    return open_shared_memory(load_configuration(file), now)


async def test_without_redis_each_gateway_counts_for_itself(tmp_path: Path) -> None:
    """Nothing is shared, nothing can be away, and the database remembers requests."""
    memory = opened(tmp_path, "")
    assert isinstance(memory.quota_store, LimitsQuotaStore)
    assert (memory.replay_store, memory.verify) == (None, None)
    assert await memory.is_ready()


async def test_workers_count_together(tmp_path: Path) -> None:
    """What one worker of a host lets through the next one counts, in the directory of the state."""
    (tmp_path / "var").mkdir()
    memories = [opened(tmp_path, "[workers]\ncount = 2\n") for _ in range(2)]
    quota = Quota(requests_per_day=1)
    await memories[0].quota_store.take("c-1", quota)
    with pytest.raises(QuotaExceeded):
        await memories[1].quota_store.take("c-1", quota)
