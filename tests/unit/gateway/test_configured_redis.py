"""What gateways on several hosts remember is in the Redis that was configured."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from gateway.backends.redis.quotas import SharedQuotas
from gateway.backends.redis.replay import RedisReplayStore
from gateway.backends.shared_memory import SharedMemory
from gateway.configured_memory import open_shared_memory
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
