"""Connections to Redis: only to a server that forgets nothing, as the user it knows us as."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import NoPermissionError

from gateway.backends.redis.connections import (
    RedisAddress,
    Unfit,
    open_pool,
    parse_info,
    verify_fit,
)
from gateway.backends.redis.lockout import RedisLockoutStore
from gateway.backends.redis.quotas import open_shared_quotas
from gateway.backends.redis.replay import RedisReplayStore
from gateway.core.errors import QuotaExceeded, StoreUnavailable
from gateway.core.grants import Quota
from gateway.core.lockout import LockoutRules
from tests.fakes.certificates import ClientAuthority
from tests.fakes.engines import RedisServer

FIT = {"role": "master", "maxmemory_policy": "noeviction", "aof_enabled": "1"}
UNTIL = datetime.now(UTC) + timedelta(minutes=4)


def address(server: RedisServer, **more: object) -> RedisAddress:
    """Return where *server* is."""
    parts = {"url": f"redis://127.0.0.1:{server.port}", "password_file": server.password_file}
    return RedisAddress(**{**parts, **more})


def store_at(place: RedisAddress) -> RedisReplayStore:
    """Return a store on connections to *place*."""
    return RedisReplayStore(open_pool(place), lambda: datetime.now(UTC))


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("role", "slave", "replica"),
        ("maxmemory_policy", "allkeys-lru", "noeviction"),
        ("maxmemory_policy", "volatile-ttl", "noeviction"),
        ("aof_enabled", "0", "appendonly"),
        ("aof_enabled", None, "appendonly"),
    ],
)
def test_server_that_may_forget_is_unfit(name: str, value: str | None, fault: str) -> None:
    """Evicting, not keeping a log or following another server is named; silence counts as such."""
    verify_fit(FIT)
    info = {key: text for key, text in (FIT | {name: value}).items() if text is not None}
    with pytest.raises(Unfit, match=fault):
        verify_fit(info)


def test_fields_of_an_answer() -> None:
    """Headings and empty lines are no fields, and a value may have a colon in it."""
    assert parse_info(b"# Server\r\nrole:master\r\n\r\nexe:/a:b\r\n\xff") == {
        "role": "master",
        "exe": "/a:b",
    }


@pytest.fixture
async def evicting(redis_server: RedisServer) -> AsyncIterator[RedisServer]:
    """Give the server while it is told to evict."""
    redis_server.run("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    yield redis_server
    redis_server.run("CONFIG", "SET", "maxmemory-policy", "noeviction")


async def test_evicting_server_is_refused(evicting: RedisServer) -> None:
    """No claim is made where it may be forgotten, and whoever starts is told why."""
    store = store_at(address(evicting))
    with pytest.raises(StoreUnavailable, match="noeviction"):
        await store.verify()
    with pytest.raises(StoreUnavailable):
        await store.claim(b"t", until=UNTIL)
    await store.close()


async def test_least_rights(redis_server: RedisServer, tmp_path: Path) -> None:
    """The access list of the handbook is enough for claims, quotas, lock-outs, and for no more."""
    handbook = (Path(__file__).parents[5] / "deploy/README.md").read_text("utf-8")
    rule = next(line for line in handbook.splitlines() if line.startswith("user sealgate "))
    words = rule.replace("#SHA256_OF_THE_PASSWORD", ">hush").split()[1:]
    assert redis_server.run("ACL", "SETUSER", *words) == "+OK"
    (tmp_path / "password").write_text("hush\n")
    place = address(redis_server, user="sealgate", password_file=tmp_path / "password")
    store, pool = store_at(place), open_pool(place)
    await store.verify()
    await store.claim(b"least", until=UNTIL)
    quotas = open_shared_quotas(pool, lambda: datetime.now(UTC))
    quota = Quota(requests_per_minute=1, requests_per_day=1, tokens_per_minute=1, tokens_per_day=1)
    await quotas.take("least", quota)
    await quotas.count_tokens("least", quota, 1)
    with pytest.raises(QuotaExceeded):
        await quotas.take("least", quota)
    lockouts = RedisLockoutStore(pool)
    await lockouts.count_failure(b"least", LockoutRules(), now=datetime.now(UTC))
    await lockouts.forget(b"least")
    with pytest.raises(NoPermissionError):
        await Redis(connection_pool=pool).get("elsewhere")
    await store.close()
    await pool.disconnect()


@pytest.mark.parametrize("fault", ["password", "no file", "tls"])
async def test_who_is_not_let_in_is_told_nothing_more(
    redis_server: RedisServer, tmp_path: Path, fault: str
) -> None:
    """A wrong password, a missing file or a server without TLS is a server that is away."""
    (tmp_path / "password").write_text("wrong")
    places = {
        "password": {"password_file": tmp_path / "password"},
        "no file": {"password_file": tmp_path / "none"},
        "tls": {
            "url": f"rediss://127.0.0.1:{redis_server.port}",
            "ca_file": ClientAuthority(tmp_path).file,
        },
    }
    store = store_at(address(redis_server, **places[fault]))
    with pytest.raises(StoreUnavailable) as caught:
        await store.verify()
    assert "wrong" not in caught.value.detail
    with pytest.raises(StoreUnavailable):
        await store.claim(b"t", until=UNTIL)
    await store.close()


@pytest.mark.parametrize(
    "garbage",
    [b"HTTP/1.1 400 Bad Request\r\n\r\n", b":x\r\n" * 9, b"$99999999999\r\n", b"\0" * 99],
    ids=["http", "number", "length", "nul"],
)
async def test_server_of_another_kind_is_unavailable(garbage: bytes) -> None:
    """Whatever answers in place of Redis, a claim is refused and does not wait for more."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(1024):
            writer.write(garbage)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    store = store_at(RedisAddress(f"redis://127.0.0.1:{port}"))
    began = time.monotonic()
    with pytest.raises(StoreUnavailable):
        await store.claim(b"t", until=UNTIL)
    assert time.monotonic() - began < 10
    await store.close()
    server.close()
    await server.wait_closed()
