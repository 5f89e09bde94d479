"""A real gateway whose store has no room left: nothing is changed, and nothing needs a restart."""

from __future__ import annotations

import asyncio
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from gateway.settings import load_configuration
from tests.fakes.engines import PostgresServer, SmallDiskPostgres
from tests.fakes.killed import look
from tests.story.gateway import Gateway

PATIENCE_SECONDS = 20.0
MOST_REVOCATIONS = 200
"""Far more than fit into what room a page may still have."""
ALLOWED, NO_MODEL = 201, 502


class Site:
    """A gateway, a client that need not seal, and an operator who withdraws tokens."""

    def __init__(self, directory: Path, extra: str = "") -> None:
        (directory / "vllm.key").write_text("k")
        self.gateway = Gateway(
            directory,
            socket=directory / "v.sock",
            api_key_file=directory / "vllm.key",
            extra=f"[limits]\nadmin_requests_per_minute = 10000\n{extra}",
        )
        self.gateway.start()
        self.token = self.gateway.token(self.gateway.create_client(plaintext_allowed=True))
        operator = self.gateway.token(self.gateway.staff["operator"])
        self.http = self.gateway.http()
        self.admin = httpx2.Client(
            base_url=f"{self.gateway.admin_origin}/admin/v1",
            verify=self.gateway.tls(),
            timeout=30,
            headers={"authorization": f"Bearer {operator}"},
        )
        self.done: list[str] = []

    def close(self) -> None:
        """Stop everything."""
        self.http.close()
        self.admin.close()
        self.gateway.stop()

    def plain(self) -> int:
        """Return the status of a call with a known token; no model is there to answer."""
        headers = {"authorization": f"Bearer {self.token}"}
        return self.http.get("/v1/models", headers=headers).status_code

    def revoke(self) -> int:
        """Withdraw one more token; return the status."""
        jti = f"j-{time.monotonic_ns()}"
        status = self.admin.post("/revocations", json={"kind": "jti", "subject": jti}).status_code
        assert status in {ALLOWED, 503}
        if status == ALLOWED:
            self.done.append(jti)
        return status

    def revoked(self) -> set[str]:
        """Return what the store has of it."""
        found, after = set(), ""
        while True:
            page = self.admin.get(f"/revocations?limit=200{after}").raise_for_status().json()
            found |= {item["subject"] for item in page["items"] if item["kind"] == "jti"}
            if not page.get("next"):
                return found
            after = f"&cursor={page['next']}"


def verify_fault(site: Site, begin: Callable[[], object], end: Callable[[], object]) -> None:
    """Fail unless acts are refused between *begin* and *end* and nothing else suffers."""
    assert site.revoke() == ALLOWED
    begin()
    assert any(site.revoke() == 503 for _ in range(MOST_REVOCATIONS))
    assert [site.revoke() for _ in range(3)] == [503] * 3
    assert site.plain() == NO_MODEL
    assert site.revoked() == set(site.done)
    end()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while site.revoke() != ALLOWED:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert site.revoked() == set(site.done)
    asyncio.run(look(load_configuration(site.gateway.config).at.database_url))  # and its trail


@contextmanager
def running(extra: str = "") -> Iterator[Site]:
    """Give a site in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="full-") as folder:
        site = Site(Path(folder), extra)
        try:
            yield site
        finally:
            site.close()


def test_disk_of_the_database_is_full() -> None:
    """PostgreSQL on a file system of a few MB: acts are 503 until there is room again."""
    if PostgresServer.find() is None:
        pytest.skip("the package pgserver of the development lock is not installed")
    if not SmallDiskPostgres.can_be():
        pytest.skip("the kernel gives users no namespaces of their own (unshare -rm)")
    server = SmallDiskPostgres()
    try:
        server.start()
        url = server.url(server.create_small_database()).partition("?")[0]
        store = f'[store]\nurl = "{url}"\npassword_file = "{server.password_file}"\n'
        with running(store) as site:
            verify_fault(site, server.fill, server.make_room)
    finally:
        server.close()


def test_file_of_the_store_cannot_grow() -> None:
    """SQLite and its audit trail, when the kernel takes no byte more: the same."""
    with running() as site:
        assert site.gateway.process is not None
        pids = _with_children(site.gateway.process.pid)
        _, hard = resource.prlimit(pids[0], resource.RLIMIT_FSIZE)

        def limit(size: int) -> None:
            for pid in pids:
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))

        verify_fault(site, lambda: limit(4096), lambda: limit(hard))


def _with_children(pid: int) -> list[int]:
    found = [pid]
    for parent in found:
        for children in Path(f"/proc/{parent}/task").glob("*/children"):
            found += map(int, children.read_text().split())
    return found
