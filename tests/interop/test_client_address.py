"""Behind real proxies the gateway sees, checks and records the client's address.

All are on loopback: clients call from two addresses, the proxy connects from a third, and only the
third is trusted. The proxies are set up as ``deploy`` shows.
"""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

import httpx2
import pytest

from gateway.client.httpx2_transport import sealed_client
from loadtests.fake_vllm import Options, start_fake_vllm
from loadtests.script import Script, text
from tests.fakes.proxy_headers import v1
from tests.interop.conftest import PROXY_ADDRESS
from tests.interop.proxies import (
    DEPLOY,
    Site,
    start_envoy,
    start_nginx,
    start_nginx_stream,
)
from tests.story.gateway import SEALGATE, Account, Gateway
from tests.story.processes import Process

ALLOWED, STRANGER = "127.0.0.5", "127.0.0.6"
CHAT = {"model": "tiny", "messages": [{"role": "user", "content": "hi"}]}
BIND = f"proxy_bind {PROXY_ADDRESS};\n"
# What nginx's own documentation shows: RFC 7239 written from the address, quoted where it must be.
MAP = """
map $remote_addr $for {
    ~^[0-9.]+$ "for=$remote_addr";
    ~^[0-9A-Fa-f:.]+$ "for=\\"[$remote_addr]\\"";
    default "for=unknown";
}
"""


def nginx_http(text: str) -> str:
    return text.replace("proxy_http_version", BIND + "proxy_http_version", 1)


def nginx_forwarded(text: str) -> str:
    old, new = "X-Forwarded-For $remote_addr;", 'Forwarded "$for;proto=https";'
    assert old in text
    return MAP + nginx_http(text.replace(old, new))


def envoy(text: str) -> str:
    address = f"{{ source_address: {{ address: {PROXY_ADDRESS}, port_value: 0 }} }}"
    return text.replace(
        "      type: STATIC\n", f"      type: STATIC\n      upstream_bind_config: {address}\n"
    )


@dataclass(frozen=True)
class Setup:
    """How a proxy is started and what the gateway is told of it."""

    start: Callable[[Site], Process]
    section: str
    passes_tls_on: bool = False


def deployed(name: str) -> str:
    return (DEPLOY / name).read_text("utf-8")


SETUPS = {
    "nginx passing TLS on": Setup(
        lambda site: start_nginx_stream(
            site,
            deployed("nginx/sealgate.conf").replace(
                "proxy_protocol on;", BIND + "proxy_protocol on;"
            ),
        ),
        "proxy_protocol = true",
        passes_tls_on=True,
    ),
    "nginx, X-Forwarded-For": Setup(
        lambda site: start_nginx(site, nginx_http(deployed("nginx/sealgate-http.conf"))),
        'forwarded_header = "x-forwarded-for"',
    ),
    "nginx, Forwarded": Setup(
        lambda site: start_nginx(site, nginx_forwarded(deployed("nginx/sealgate-http.conf"))),
        'forwarded_header = "forwarded"',
    ),
    "Envoy": Setup(
        lambda site: start_envoy(site, change=envoy), 'forwarded_header = "x-forwarded-for"'
    ),
}


@dataclass(frozen=True)
class World:
    """A gateway behind one proxy, and a client that may call from one address."""

    gateway: Gateway
    site: Site
    setup: Setup
    account: Account

    @property
    def ca_file(self) -> str:
        """What clients trust: the gateway itself where TLS is passed on."""
        return self.gateway.ca_file if self.setup.passes_tls_on else self.site.ca_file

    def transport(self, address: str) -> httpx2.HTTPTransport:
        """Return a transport that calls from *address*."""
        tls = ssl.create_default_context(cafile=self.ca_file)
        return httpx2.HTTPTransport(verify=tls, local_address=address)

    def token(self, address: str, **headers: str) -> httpx2.Response:
        """Ask for a token from *address*."""
        with httpx2.Client(base_url=self.site.origin, transport=self.transport(address)) as http:
            return http.post(
                "/oauth2/token",
                data={"grant_type": "client_credentials"},
                auth=(self.account.client_id, self.account.client_secret),
                headers=headers,
            )

    def recorded(self) -> list[str]:
        """Return the addresses of all records."""
        return [record["ip"] for record in self.gateway.access_records()]

    def new_records(self, call: Callable[[], object], *, count: int = 1) -> list[str]:
        """Return the addresses of the *count* records that *call* adds.

        A record is written after its answer is sent, so each call here is waited for by its record.
        """
        before, deadline = len(self.recorded()), time.monotonic() + 30
        call()
        while len(self.recorded()) < before + count:
            assert time.monotonic() < deadline, "too little was recorded"
            time.sleep(0.02)
        return self.recorded()[before:]


@contextmanager
def serving_behind(gateway: Gateway, setup: Setup, site: Site) -> Iterator[None]:
    """Serve as *gateway* with the proxy of *site* trusted, until the end of the block."""
    section = f'[listen]\ntrusted_proxies = ["{site.address}"]\nnames = ["{site.address}"]\n'
    config = gateway.config.read_text("utf-8")
    config = config.replace("[listen]\n", f"{section}{setup.section}\n")
    gateway.config.write_text(config, "utf-8")
    for name in ("server.crt", "server.key"):  # made again, for the proxy's address too
        (gateway.state / "tls" / name).unlink()
    command = [SEALGATE, "--config", str(gateway.config), "serve"]
    process = Process(command, log=gateway.directory / "gateway.log", cwd=gateway.directory)
    try:
        process.wait_until(lambda: is_open(gateway.admin_port), seconds=60)
        proxy = setup.start(site)
        try:
            proxy.wait_until(site.is_up, seconds=60)
            yield
        finally:
            proxy.stop()
    finally:
        assert process.stop() == 0


def is_open(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


@pytest.fixture(scope="module", params=SETUPS)
def world(request) -> Iterator[World]:
    """Register a client, then serve behind the proxy."""
    setup = SETUPS[request.param]
    with tempfile.TemporaryDirectory(prefix="sealgate-") as folder:
        directory = Path(folder)
        (directory / "vllm.key").write_text("k1")
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, daemon=True)
        thread.start()
        context = start_fake_vllm(directory / "v.sock", options=Options(api_key="k1"))
        vllm = asyncio.run_coroutine_threadsafe(context.__aenter__(), loop).result(10)
        vllm.script = Script([text("fine")])
        gateway = Gateway(
            directory, socket=directory / "v.sock", api_key_file=directory / "vllm.key"
        )
        network = f"{ALLOWED}/32"
        made = gateway.command("clients", "create", "--model=tiny", "--network", network, "--json")
        account = Account(json.loads(made)["client_id"], json.loads(made)["client_secret"])
        (directory / "proxy").mkdir()
        site = Site(directory / "proxy", PROXY_ADDRESS, gateway.port, gateway.ca_file)
        site.write_certificate()
        try:
            with serving_behind(gateway, setup, site):
                yield World(gateway, site, setup, account)
        finally:
            closing = context.__aexit__(None, None, None)
            asyncio.run_coroutine_threadsafe(closing, loop).result(10)
            loop.call_soon_threadsafe(loop.stop)
            thread.join(10)
            loop.close()


def test_the_clients_own_list_has_the_clients_address(world):
    """Its allowed address gets a token, another does not, and both are recorded as they are."""
    for address, statuses in ((ALLOWED, {200}), (STRANGER, {401, 403})):
        answers = []
        added = world.new_records(lambda a=address, to=answers: to.append(world.token(a)))
        assert added == [address]
        assert answers[0].status_code in statuses


def test_a_claimed_address_does_not_count(world):
    """Whatever headers a client sends, the proxy's word about the connection is what counts."""
    for name in ("x-forwarded-for", "forwarded", "x-real-ip"):
        claim, answers = {name: f"for={ALLOWED}" if name == "forwarded" else ALLOWED}, []
        added = world.new_records(
            lambda claim=claim, to=answers: to.append(world.token(STRANGER, **claim))
        )
        assert added == [STRANGER]
        assert answers[0].status_code in {401, 403}


def test_another_spelling_of_the_header_is_refused(world):
    """What a proxy passes on as it came, under the name that other servers read, ends there."""
    answers = []
    added = world.new_records(
        lambda: answers.append(world.token(STRANGER, x_forwarded_for=ALLOWED))
    )
    assert ALLOWED not in added
    assert answers[0].status_code in {400, 401, 403}


def test_sealed_call_is_checked_by_the_clients_address(world):
    """Inference sees the client's address as well: allowed from one, refused from the other."""
    chat, before = f"{world.site.origin}/v1/chat/completions", len(world.recorded())
    with sealed_client(
        world.site.origin,
        client_id=world.account.client_id,
        client_secret=world.account.client_secret,
        ca_file=world.ca_file,
        pin=world.gateway.pin,
    ) as http:
        http._transport._upstream.close()
        http._transport._upstream = world.transport(ALLOWED)
        answers = []
        # The keys, a token and the call itself.
        added = world.new_records(lambda: answers.append(http.post(chat, json=CHAT)), count=3)
        assert answers[0].status_code == 200, answers[0].text
        assert answers[0].json()["choices"][0]["message"]["content"] == "fine"
    assert added == [ALLOWED] * 3
    assert world.new_records(lambda: answers.append(world.token(ALLOWED))) == [ALLOWED]
    bearer = {"authorization": f"Bearer {answers[-1].json()['access_token']}"}
    with httpx2.Client(transport=world.transport(STRANGER)) as http:
        added = world.new_records(
            lambda: answers.append(http.post(chat, json=CHAT, headers=bearer))
        )
    assert (answers[-1].status_code, "address" in answers[-1].text) == (403, True)
    assert added == [STRANGER]
    assert PROXY_ADDRESS not in world.recorded()[before:]


def test_past_the_proxy(world):
    """Who connects past the proxy is who the connection says, or cannot connect at all."""
    port = world.gateway.port
    tls = world.gateway.tls()
    if world.setup.passes_tls_on:
        with (
            suppress(ConnectionError),
            socket.create_connection(("127.0.0.1", port), timeout=5) as sock,
        ):
            sock.sendall(v1(ip_address(ALLOWED)))
            assert sock.recv(1) == b""
        return
    transport = httpx2.HTTPTransport(verify=tls, local_address=STRANGER)
    claims = {"x-forwarded-for": ALLOWED, "forwarded": "for=x"}
    with httpx2.Client(base_url=world.gateway.origin, transport=transport) as http:
        answers = []
        added = world.new_records(lambda: answers.append(http.get("/livez", headers=claims)))
    assert (answers[0].status_code, added) == (200, [STRANGER])
