"""Two workers behind one pair of ports: what dies, what is replaced, what is counted together."""

from __future__ import annotations

import os
import signal
import ssl
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from pathlib import Path
from typing import Self

import httpx2
import pytest

from gateway.backends.certificates import CertificateFiles, ensure_certificates
from gateway.core import bhttp
from gateway.core.bhttp_response import parse_response
from gateway.core.ohttp import REQUEST_MEDIA_TYPE, RequestSealer
from gateway.core.ohttp_keys import parse_key_list
from loadtests.script import Hang, Pause
from tests.integration.conftest import World, running_world
from tests.integration.streams import Stream

WORDS = ["water, ", "river, ", "cloud, "]
WORKERS = "[workers]\ncount = 2\n"
SECONDS = 30


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """Start two workers over one model server; stop them when the module's tests are done."""
    with running_world(WORKERS) as running:
        time.sleep(0.5)  # until every worker knows the clients that one of them has made
        yield running


def until(happened: Callable[[], object]) -> None:
    deadline = time.monotonic() + SECONDS
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def workers(world: World) -> set[int]:
    """Return the processes that the supervisor has."""
    pid = world.gateway.process.pid
    return {int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


def log(world: World) -> str:
    return (world.gateway.directory / "gateway.log").read_text("utf-8")


def shown(world: World, name: str) -> float:
    """Return a number of the metrics page."""
    with httpx2.Client(verify=world.gateway.tls(), timeout=SECONDS) as http:
        page = http.get(f"{world.gateway.admin_origin}/metrics").raise_for_status().text
    (line,) = (line for line in page.splitlines() if line.startswith(name + " "))
    return float(line.rpartition(" ")[2])


def certificate(world: World) -> str:
    """Return the certificate that a new handshake gets."""
    return ssl.get_server_certificate(("127.0.0.1", world.gateway.port))


class Knocking:
    """Somebody who connects again and again, and counts how often that fails."""

    def __init__(self, world: World) -> None:
        self._world, self._goes_on = world, True
        self.calls, self.faults = 0, []
        self._pool = ThreadPoolExecutor(1)

    def __enter__(self) -> Self:
        self._running = self._pool.submit(self._knock)
        return self

    def _knock(self) -> None:
        context = self._world.gateway.tls()
        while self._goes_on:
            try:
                with httpx2.Client(verify=context, timeout=SECONDS) as http:
                    http.get(f"{self._world.gateway.origin}/livez").raise_for_status()
            except httpx2.HTTPError as error:
                self.faults.append(repr(error))
            self.calls += 1
            time.sleep(0.005)

    def __exit__(self, *_: object) -> None:
        self._goes_on = False
        self._running.result(SECONDS)
        self._pool.shutdown()


def test_killed_worker_is_replaced_while_the_other_serves(world: World) -> None:
    """After kill -9 of one the ports answer at once, and soon there are two again."""
    until(lambda: len(workers(world)) == 2)
    victim, other = workers(world)
    os.kill(victim, signal.SIGKILL)
    with world.gateway.http() as http:
        assert http.get("/livez").is_success
    until(lambda: len(workers(world) - {victim, other}) == 1)
    assert other in workers(world)


def test_bad_configuration_is_refused_and_good_one_served(world: World) -> None:
    """A fault changes nothing; else all are new, nobody was turned away, no stream disturbed."""
    gateway = world.gateway
    until(lambda: len(workers(world)) == 2)
    good, old = gateway.config.read_text("utf-8"), workers(world)
    gateway.config.write_text(f"{good}nonsense = 1\n", "utf-8")
    os.kill(gateway.process.pid, signal.SIGHUP)
    until(lambda: shown(world, 'sealgate_change_refused{what="configuration"}') == 1)
    assert "workers.nonsense" in log(world)
    assert workers(world) == old
    gateway.config.write_text(f"{good}grace_seconds = 20\n", "utf-8")
    world.says(*WORDS, Pause(4), "grass")
    stream = Stream(world, world.application)
    with Knocking(world) as knocking:
        os.kill(gateway.process.pid, signal.SIGHUP)
        until(lambda: "the new configuration is served" in log(world))
        time.sleep(0.2)
    assert (knocking.faults, knocking.calls > 10) == ([], True)
    stream.wait()
    assert (stream.error, stream.text) == (None, "water, river, cloud, grass")
    until(lambda: len(workers(world)) == 2)
    assert not workers(world) & old
    assert shown(world, 'sealgate_change_refused{what="configuration"}') == 0


def test_new_certificate_is_served_within_seconds(world: World) -> None:
    """Files that change on the disk count for new handshakes; a running stream goes on."""
    old = certificate(world)
    world.says(*WORDS, Pause(1), "grass")
    stream = Stream(world, world.application)
    (world.gateway.state / "tls/server.crt").unlink()
    world.gateway.command("init", "--json")  # makes what is missing
    until(lambda: old not in {certificate(world) for _ in range(8)})
    stream.wait()
    assert (stream.error, stream.text) == (None, "water, river, cloud, grass")


def test_own_certificate_does_not_end(world: World) -> None:
    """One that is near its end is made anew by whoever runs then, a new worker at once."""
    files = CertificateFiles.in_directory(world.gateway.state / "tls")
    files.certificate.unlink()
    ensure_certificates(files, ["127.0.0.1"], now=datetime.now(UTC) - timedelta(days=340))
    old = files.certificate.read_bytes()
    os.kill(world.gateway.process.pid, signal.SIGHUP)
    until(lambda: files.certificate.read_bytes() != old)


def test_one_of_fifty_equal_requests_passes(world: World) -> None:
    """A sealed request that is sent fifty times at once, to all workers, is let through once."""
    gateway = world.gateway
    token = gateway.token(world.application)
    with gateway.http() as http:
        keys = http.get("/.well-known/ohttp-gateway").raise_for_status().content
    sealer = RequestSealer(parse_key_list(keys)[0])
    request = bhttp.Request(
        b"GET",
        b"/v1/models",
        authority=f"127.0.0.1:{gateway.port}".encode(),
        headers=(
            (b"date", formatdate(usegmt=True).encode()),
            (b"authorization", b"Bearer " + token.encode()),
        ),
    )
    sealed = sealer.finish(bhttp.encode_request(request))
    context = gateway.tls()

    def send(_number: int) -> int:
        with httpx2.Client(verify=context, timeout=SECONDS) as http:
            answer = http.post(
                f"{gateway.origin}/.well-known/ohttp-gateway",
                content=sealed,
                headers={"content-type": REQUEST_MEDIA_TYPE},
            )
        opener = copy(sealer).response_opener()
        return parse_response(opener.feed(answer.content) + opener.finish()).status

    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(send, range(50)))
    assert Counter(statuses) == {200: 1, 409: 49}


def test_quota_and_metrics_are_of_all_workers(world: World) -> None:
    """Of many calls over all workers as many pass as the quota says; any worker shows them all."""
    gateway, pause = world.gateway, 0.5
    quota = {"requests_per_day": 10}
    account = gateway.create_client(quota=quota)
    time.sleep(pause)  # until every worker knows the client
    token = gateway.token(account)
    before = shown(world, "sealgate_quota_refusals_total")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: gateway.list_models(token).status, range(30)))
    assert Counter(answers) == {200: 10, 429: 20}
    until(lambda: shown(world, "sealgate_quota_refusals_total") == before + 20)


def test_answers_under_way_are_those_of_all_workers(world: World) -> None:
    """A client with one place has one in all, and has it again when its worker was killed."""
    account = world.gateway.create_client(quota={"concurrent_streams": 1}, plaintext_allowed=True)
    time.sleep(0.5)  # until every worker knows the client
    headers = {"authorization": f"Bearer {world.gateway.token(account)}"}
    said = {"model": "tiny", "messages": [{"role": "user", "content": "hi"}]}

    def call() -> int:
        with world.gateway.http() as http:
            return http.post("/v1/chat/completions", json=said, headers=headers).status_code

    world.says(*WORDS, Hang())
    stream = Stream(world, account)
    assert {call() for _ in range(8)} == {429}
    world.says("water")
    for pid in workers(world):
        os.kill(pid, signal.SIGKILL)
    stream.wait()
    until(lambda: call() == 200)


def test_stop_finishes_the_stream_that_runs(world: World) -> None:
    """After SIGTERM nobody connects, the stream ends as if nothing was, then the service does."""
    world.says(*WORDS, Pause(1.5), "grass")
    stream = Stream(world, world.application)
    try:
        assert world.gateway.stop() == 0
        stream.wait()
        assert (stream.error, stream.text) == (None, "water, river, cloud, grass")
        with pytest.raises(httpx2.ConnectError), world.gateway.http() as http:
            http.get("/livez")
    finally:
        world.gateway.start()
