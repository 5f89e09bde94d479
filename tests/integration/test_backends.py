"""A real gateway over three model servers that are killed, frozen, drained and started again.

Only what ran on a lost server fails, nobody waits for long, and a server that is back is used.
"""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.story.gateway import Account, Gateway
from tests.story.processes import PYTHON, Process

NAMES = ("gpu-0", "gpu-1", "gpu-2")
PATIENCE_SECONDS = 30.0
HEAD_SECONDS = 2.0
BOUND_SECONDS = HEAD_SECONDS + 4.0  # and what a busy machine needs
UPSTREAM = f"""
[upstream]
api_key_file = "vllm.key"
head_timeout_seconds = {HEAD_SECONDS}
idle_timeout_seconds = {HEAD_SECONDS}
health_interval_seconds = 0.2
health_timeout_seconds = 1.0
"""


class HostileServer(threading.Thread):
    """A model server that answers each call with the bytes a test gave it."""

    def __init__(self, path: Path) -> None:
        super().__init__(daemon=True)
        self.raw = b""
        self._path = path
        self._loop = asyncio.new_event_loop()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.read(65_536)
        healthy = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
        writer.write(healthy if asked.startswith(b"GET /health") else self.raw)
        writer.close()

    def run(self) -> None:
        """Serve until the loop is stopped."""
        starting = asyncio.start_unix_server(self._serve, self._path)
        server = self._loop.run_until_complete(starting)
        self._loop.run_forever()
        server.close()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    def stop(self) -> None:
        """Serve no more."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self.join(10)


class Site:
    """A gateway over three model servers, a hostile one, and enough clients for all of them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        (directory / "vllm.key").write_text("k1")
        self.hostile = HostileServer(directory / "hostile.sock")
        self.hostile.start()
        self.servers = {name: self.start_server(name) for name in NAMES}
        for name in NAMES:
            self.wait_for_server(name)
        key = directory / "vllm.key"
        self.gateway = Gateway(directory, socket=directory / "x", api_key_file=key)
        text = self.gateway.config.read_text()
        before, _, after = text.partition("[upstream]")
        rest = after[after.index("[models") :]
        backends = "".join(
            f'[[upstream.backends]]\nname = "{name}"\nuds = "{name}.sock"\nmodels = ["tiny"]\n'
            for name in NAMES
        )
        backends += '[[upstream.backends]]\nname = "bad"\nuds = "hostile.sock"\nmodels = ["bad"]\n'
        self.gateway.config.write_text(f"{before}{UPSTREAM}{backends}{rest}[models.bad]\n")
        self.gateway.start()
        self.operator = self.gateway.token(self.gateway.staff["operator"])
        accounts = [
            self.gateway.create_client(models=["tiny", "bad"], plaintext_allowed=True)
            for _ in range(6)
        ]
        self.tokens = [self.gateway.token(account) for account in accounts]
        self.accounts: list[Account] = accounts

    def start_server(self, name: str) -> Process:
        """Start a model server that takes two seconds for a hundred tokens."""
        socket = self.directory / f"{name}.sock"
        command = [PYTHON, "-m", "loadtests.fake_vllm", "--uds", str(socket), "--pace-ms", "20"]
        command += ["--api-key-file", str(self.directory / "vllm.key"), "--model", "tiny"]
        return Process(command, log=self.directory / f"{name}.log")

    def wait_for_server(self, name: str) -> None:
        """Return once a model server listens."""
        socket = self.directory / f"{name}.sock"
        self.servers[name].wait_until(socket.exists, seconds=PATIENCE_SECONDS)

    def signal(self, name: str, number: int) -> None:
        """Send a signal to a model server."""
        os.kill(self.servers[name].pid, number)

    def backends(self, path: str = "", method: str = "GET") -> Any:
        """Call the admin API about the backends."""
        url = f"{self.gateway.admin_origin}/admin/v1/backends{path}"
        headers = {"authorization": f"Bearer {self.operator}"}
        with httpx2.Client(verify=self.gateway.tls(), timeout=30) as http:
            return http.request(method, url, headers=headers).raise_for_status().json()

    def backend(self, name: str) -> dict[str, Any]:
        """Return how one backend is."""
        [found] = [item for item in self.backends()["items"] if item["name"] == name]
        return found

    async def until(self, happened: Callable[[], bool]) -> None:
        """Return once *happened* says so."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not await asyncio.to_thread(happened):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)

    async def whole(self, http: httpx2.AsyncClient, number: int, model: str = "tiny") -> int:
        """Make a short call as a client; return its status. Nobody waits longer than the bound."""
        began = time.monotonic()
        answer = await http.post("/v1/chat/completions", **self._call(number, model, tokens=2))
        assert time.monotonic() - began < BOUND_SECONDS
        return answer.status_code

    async def stream(self, http: httpx2.AsyncClient, number: int, *, tokens: int) -> bool:
        """Read a stream as a client; return whether it came whole."""
        call = self._call(number, "tiny", tokens=tokens, stream=True)
        body = b""
        try:
            async with http.stream("POST", "/v1/chat/completions", **call) as answer:
                assert answer.status_code == 200
                async for data in answer.aiter_bytes():
                    body += data
        except httpx2.TransportError:
            return False
        return body.endswith(b"data: [DONE]\n\n")

    def _call(self, number: int, model: str, *, tokens: int, stream: bool = False) -> Any:
        said = [{"role": "user", "content": "hi"}]
        return {
            "json": {"model": model, "messages": said, "max_tokens": tokens, "stream": stream},
            "headers": {"authorization": f"Bearer {self.tokens[number]}"},
        }

    def http(self) -> httpx2.AsyncClient:
        """Return a client for all calls of a test."""
        tls = self.gateway.tls()
        return httpx2.AsyncClient(base_url=self.gateway.origin, verify=tls, timeout=30)

    def close(self) -> None:
        """Stop everything."""
        self.gateway.stop()
        for name, process in self.servers.items():
            self.signal(name, signal.SIGCONT)
            process.stop()
        self.hostile.stop()


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """Start everything once."""
    with tempfile.TemporaryDirectory(prefix="backends-") as folder:
        opened = Site(Path(folder))
        yield opened
        opened.close()


async def begin_streams(
    site: Site, http: httpx2.AsyncClient, *, tokens: int = 150
) -> list[asyncio.Task[bool]]:
    """Start a stream for each client; return once all of them run. A token takes 20 ms."""
    everybody = range(len(site.tokens))
    streams = [asyncio.create_task(site.stream(http, n, tokens=tokens)) for n in everybody]
    await site.until(
        lambda: sum(item["outstanding"] for item in site.backends()["items"]) == len(streams)
    )
    return streams


def busiest(site: Site) -> tuple[str, int]:
    """Return the name of the backend with the most calls, and how many it has."""
    item = max(site.backends()["items"], key=lambda item: item["outstanding"])
    return item["name"], item["outstanding"]


async def all_served(site: Site, http: httpx2.AsyncClient) -> None:
    """Every client is served, whoever its favourite is."""
    everybody = range(len(site.tokens))
    assert {await site.whole(http, number) for number in everybody} == {200}


async def test_a_killed_server_costs_its_own_streams_alone(site: Site) -> None:
    """The streams on it fail, all others come whole, new calls are served, and it is used again."""
    async with site.http() as http:
        await site.until(lambda: all(item["healthy"] for item in site.backends()["items"]))
        streams = await begin_streams(site, http)
        victim, count = busiest(site)
        site.signal(victim, signal.SIGKILL)
        await all_served(site, http)
        whole = await asyncio.gather(*streams)
        assert whole.count(False) == count
        site.servers[victim].stop()
        (site.directory / f"{victim}.sock").unlink()
        site.servers[victim] = site.start_server(victim)
        await asyncio.to_thread(site.wait_for_server, victim)
        await site.until(lambda: bool(site.backend(victim)["healthy"]))
        await all_served(site, http)  # one of these is the trial
        streams = await begin_streams(site, http)
        assert site.backend(victim)["outstanding"] == count
        assert all(await asyncio.gather(*streams))


async def test_a_frozen_server_is_left_alone_until_it_thaws(site: Site) -> None:
    """Calls to it end in time, then they go elsewhere; its streams end, and it comes back."""
    async with site.http() as http:
        streams = await begin_streams(site, http)
        victim, count = busiest(site)
        site.signal(victim, signal.SIGSTOP)
        began = time.monotonic()
        while site.backend(victim)["healthy"]:
            everybody = range(len(site.tokens))
            statuses = await asyncio.gather(*(site.whole(http, n) for n in everybody))
            assert set(statuses) <= {200, 504}
            assert time.monotonic() - began < PATIENCE_SECONDS
        await all_served(site, http)
        assert (await asyncio.gather(*streams)).count(False) == count
        site.signal(victim, signal.SIGCONT)
        await site.until(lambda: bool(site.backend(victim)["healthy"]))
        await all_served(site, http)
        await site.until(lambda: site.backend(victim)["outstanding"] == 0)


async def test_a_drained_server_finishes_what_it_has(site: Site) -> None:
    """No new call goes there, running streams come whole; undrained it is used again."""
    async with site.http() as http:
        streams = await begin_streams(site, http)
        victim, count = busiest(site)
        await asyncio.to_thread(site.backends, f"/{victim}/drain", "POST")
        await all_served(site, http)
        assert site.backend(victim)["outstanding"] <= count
        assert all(await asyncio.gather(*streams))
        assert site.backend(victim)["outstanding"] == 0
        streams = await begin_streams(site, http, tokens=50)
        assert site.backend(victim)["outstanding"] == 0
        assert all(await asyncio.gather(*streams))
        await asyncio.to_thread(site.gateway.command, "backends", "undrain", victim)
        await site.until(lambda: not site.backend(victim)["drained"])


async def test_ready_until_nothing_can_be_served(site: Site) -> None:
    """One server of all is enough; without any the gateway is not ready and refuses calls."""

    def is_ready() -> bool:
        with site.gateway.http() as http:
            return http.get("/readyz").is_success

    async with site.http() as http:
        await site.until(is_ready)
        for name in NAMES:
            await asyncio.to_thread(site.backends, f"/{name}/drain", "POST")
        assert await site.whole(http, 0) == 502
        assert is_ready()  # the other model can be served
        await asyncio.to_thread(site.backends, "/bad/drain", "POST")
        await site.until(lambda: not is_ready())
        for name in (*NAMES, "bad"):
            await asyncio.to_thread(site.backends, f"/{name}/undrain", "POST")
        await site.until(is_ready)


GOOD = (
    b'{"id":"c","object":"chat.completion","created":1,"model":"bad","choices":[{"index":0,'
    b'"message":{"role":"assistant","content":"fine"},"finish_reason":"stop"}],'
    b'"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}'
)
FIELDS = b"set-cookie: a=canary\r\nlocation: /canary\r\nserver: canary\r\nx-canary: canary\r\n"
TYPE = b"content-type: application/json\r\n"
RAW_GOOD = b"HTTP/1.1 200 canary\r\n%s%scontent-length: %d\r\n\r\n%s"
RAW_GOOD %= (TYPE, FIELDS, len(GOOD), GOOD)


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (RAW_GOOD, 200),
        (b"HTTP/1.1 302 canary\r\n%scontent-length: 6\r\n\r\ncanary" % FIELDS, 502),
        (b"HTTP/1.1 400 canary\r\n%scontent-length: 6\r\n\r\ncanary" % FIELDS, 400),
        (b"HTTP/1.1 500 canary\r\n%scontent-length: 6\r\n\r\ncanary" % FIELDS, 502),
        (b"HTTP/1.1 101 canary\r\nconnection: upgrade\r\nupgrade: canary\r\n\r\ncanary", 502),
        (b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 6\r\n\r\ncanary", 502),
    ],
)  # fmt: skip
async def test_nothing_of_an_answer_but_the_answer_reaches_a_client(
    site: Site, raw: bytes, status: int
) -> None:
    """Cookies, redirects, names, reasons and error texts of a model server stay in the gateway."""
    site.hostile.raw = raw
    async with site.http() as http:
        answer = await http.post("/v1/chat/completions", **site._call(0, "bad", tokens=2))
        assert answer.status_code == status
        assert "canary" not in f"{answer.headers} {answer.text} {answer.reason_phrase}"


async def test_an_answer_that_breaks_is_no_answer(site: Site) -> None:
    """Garbage is a 502 each time, and soon the server is not asked any more."""
    site.hostile.raw = b"canary\r\n\r\n"
    async with site.http() as http:
        for _ in range(4):
            assert await site.whole(http, 0, "bad") == 502
        assert site.backend("bad")["ejected"]
        assert await site.whole(http, 0) == 200
        site.hostile.raw = RAW_GOOD
        deadline = time.monotonic() + PATIENCE_SECONDS
        while await site.whole(http, 0, "bad") != 200:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.1)
