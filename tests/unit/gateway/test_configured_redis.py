"""What gateways remember together, as it was configured."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.backends.quotas import LimitsQuotaStore
from gateway.backends.redis.quotas import SharedQuotas
from gateway.backends.redis.replay import RedisReplayStore
from gateway.configured_redis import SharedMemory, open_shared_memory
from gateway.core.errors import QuotaExceeded
from gateway.core.grants import Quota
from gateway.settings import load_configuration
from tests.fakes.engines import RedisServer
from tests.story.processes import free_port


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


async def test_redis_remembers_and_counts(tmp_path: Path, redis_server: RedisServer) -> None:
    """With Redis requests are remembered and quotas counted there; its files are found."""
    (tmp_path / "password").write_bytes(redis_server.password_file.read_bytes())
    place = f'url = "redis://127.0.0.1:{redis_server.port}"\npassword_file = "password"'
    memory = opened(tmp_path, f"[redis]\n{place}")
    assert isinstance(memory.quota_store, SharedQuotas)
    assert isinstance(memory.replay_store, RedisReplayStore)
    assert await memory.is_ready()
    await memory.replay_store.close()


async def test_gateway_is_not_ready_while_redis_is_away(tmp_path: Path) -> None:
    """What cannot remember requests says so to whoever distributes them."""
    memory = opened(tmp_path, f'[redis]\nurl = "redis://127.0.0.1:{free_port()}"')
    assert not await memory.is_ready()
