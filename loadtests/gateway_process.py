"""The gateway as a contender: set up, started and asked for a token as its users would."""

import asyncio
import secrets
import shutil
import ssl
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from ipaddress import ip_network
from pathlib import Path
from time import perf_counter
from typing import Any

import orjson

from gateway.client.dpop import DpopProver
from gateway.configured_room import open_control
from gateway.control.actors import LocalOperator
from gateway.control.clients import ClientGrants
from gateway.core.bhttp import Request
from gateway.core.bhttp_fields import Fields
from gateway.core.grants import Quota, TokenBinding, every_operation
from gateway.core.ohttp_keys import KeyConfig, find_usable_config, parse_key_list
from gateway.core.pii.compiled import IS_COMPILED
from gateway.core.secret import Secret
from loadtests.client import (
    SEALED_PATH,
    Outgoing,
    Target,
    bearer,
    connect,
    in_the_clear,
    receive_all,
    sealed,
    write_request,
)
from loadtests.measure import Contender, Start
from loadtests.processes import (
    cpu_seconds,
    free_port,
    is_listening,
    resident_megabytes,
    running,
    wait_for_start,
)

PLAIN, SEALED, FULL = "gateway", "gateway-sealed", "gateway-full"
"""Over TLS alone; sealed within TLS; sealed, with everything that a client may have besides."""

DPOP, QUOTA, MASKED = "gateway-dpop", "gateway-quota", "gateway-masked"
"""Sealed, with one of the things that the client of FULL has all of."""

_CONFIGURATION = """\
[listen]
port = {port}
[admin]
port = {admin_port}
[upstream]
uds = "{socket}"
api_key_file = "{key_file}"
max_outstanding = 20000
[tokens]
dpop_nonce_required = false
[limits]
max_connections = 20000
[edge]
connections_per_address = 20000
handshake_seconds = 30
"""
_SETUP_SECONDS = 30.0
_PLENTY = 10**9
_QUOTA = Quota(
    requests_per_minute=_PLENTY,
    requests_per_day=_PLENTY,
    tokens_per_minute=_PLENTY,
    tokens_per_day=_PLENTY,
    concurrent_streams=100_000,
)


@dataclass(frozen=True, slots=True)
class _Site:
    """Where the gateway under test lives and listens."""

    home: Path
    address: tuple[str, int]
    tls: ssl.SSLContext | None

    @property
    def host(self) -> str:
        return f"localhost:{self.address[1]}"


@dataclass(frozen=True, slots=True)
class Way:
    """How a gateway is served: by which command, with how many workers, over TLS or not."""

    name: str = "gateway"
    command: tuple[str, ...] | None = None
    """Instead of ``sealgate serve``."""
    workers: int = 1
    over_tls: bool = True
    cores: Collection[int] | None = None
    """Those that it has to itself."""


def missing_walk() -> str | None:
    """Return what to do about it if the scrubber is not compiled, None if it is.

    Its Python twin takes some ten times as long: no figure is worth anything then.
    """
    if IS_COMPILED:
        return None
    return (
        "THE COMPILED WALK of the scrubber, so it is ten times slower: run `python hatch_build.py`"
    )


def find_sealgate() -> Path | None:
    """Return the gateway's command beside this interpreter, or None where it is not installed."""
    program = Path(sys.executable).parent / "sealgate"
    return program if program.exists() else None


@dataclass(frozen=True, slots=True)
class Prepared:
    """A gateway that is initialised and knows two clients, but has not been started."""

    home: Path
    ca_file: Path
    socket: Path
    models: tuple[str, ...]
    secrets: Mapping[str, tuple[str, str]]
    """Id and secret of each client, by the way in which it calls."""

    def before(self, socket: Path) -> "Prepared":
        """Return the same before another model server."""
        return replace(self, socket=socket)


async def add_gateway(
    stack: AsyncExitStack,
    directory: Path,
    *,
    socket: Path,
    models: Sequence[str],
    way: Way = Way(),
) -> dict[str, Contender]:
    """Start the gateway in front of *socket*; return it by the ways in which clients call it.

    All are the same process with every stage on; only the client differs. That of FULL has quotas,
    its tokens are bound to a key (DPoP), and its requests are masked.
    """
    prepared = await prepare(directory / "prepared", socket=socket, models=models)
    return await start(stack, prepared, way)


async def prepare(home: Path, *, socket: Path, models: Sequence[str]) -> Prepared:
    """Initialise a gateway in *home* and register its clients: the slow part, which copies share.

    The key of the model server lies beside its socket as ``vllm.key``.
    """
    _write_configuration(home, socket=socket, models=models)
    done = await asyncio.create_subprocess_exec(
        str(find_sealgate()), "init", "--json", cwd=home, stdout=subprocess.PIPE
    )
    output, _ = await done.communicate()
    if done.returncode:
        raise RuntimeError("sealgate init failed")
    return Prepared(
        home=home,
        ca_file=Path(orjson.loads(output)["ca_file"]),
        socket=socket,
        models=tuple(models),
        secrets=await _register(home, _grants(models)),
    )


async def start(stack: AsyncExitStack, prepared: Prepared, way: Way) -> dict[str, Contender]:
    """Start a copy of *prepared* in the *way* asked for; see :func:`add_gateway`."""
    home = prepared.home.with_name(way.name)
    shutil.copytree(prepared.home, home)
    port = _write_configuration(home, socket=prepared.socket, models=prepared.models)
    tls = ssl.create_default_context(cafile=str(prepared.ca_file)) if way.over_tls else None
    site = _Site(home, ("127.0.0.1", port), tls)
    log = home / "gateway.log"
    # Without an option the command reads ./sealgate.toml.
    command = list(way.command or (str(find_sealgate()), "serve"))
    if way.workers > 1:
        command += ["--workers", str(way.workers)]
    began = perf_counter()
    pid = await stack.enter_async_context(running(command, log=log, cwd=home, cores=way.cores))
    await wait_for_start(lambda: is_listening(site.address), log=log, pid=pid)
    token = await _fetch_token(site, prepared.secrets[SEALED])
    weight = Start(perf_counter() - began, cpu_seconds(pid), resident_megabytes(pid))
    ways = await _ways(site, token, prepared.secrets)
    return {
        name: Contender(
            Target(name.replace("gateway", way.name, 1), site.address, prepare_request, site.tls),
            pid,
            redacts=True,
            start=weight,
        )
        for name, prepare_request in ways.items()
    }


async def _ways(
    site: _Site, token: str, clients: Mapping[str, tuple[str, str]]
) -> dict[str, Callable[[bytes], Outgoing]]:
    prover = DpopProver(random_bytes=secrets.token_bytes)
    key = await _fetch_key(site)

    async def proof_of(name: str) -> Callable[[Request], Fields]:
        if name in {DPOP, FULL}:
            return _proof(prover, await _fetch_token(site, clients[name], prover))
        return bearer(token if name == SEALED else await _fetch_token(site, clients[name]))

    ways = {PLAIN: in_the_clear(host=site.host, token=token)}
    for name in clients:
        ways[name] = sealed(key, host=site.host, prove=await proof_of(name), date=_http_date)
    return ways


def _proof(prover: DpopProver, token: str) -> Callable[[Request], Fields]:
    def prove(request: Request) -> Fields:
        return prover.inner_headers(request, token=Secret(token), now=datetime.now(UTC))

    return prove


def _grants(models: Sequence[str]) -> dict[str, ClientGrants]:
    usual = ClientGrants(
        grants=every_operation(models),
        networks=(ip_network("127.0.0.0/8"),),
        plaintext_allowed=True,
    )
    dpop = replace(usual, token_binding=TokenBinding.DPOP)
    full = replace(dpop, plaintext_allowed=False, quota=_QUOTA, masks_requests=True)
    quota, masked = replace(usual, quota=_QUOTA), replace(usual, masks_requests=True)
    return {SEALED: usual, DPOP: dpop, QUOTA: quota, MASKED: masked, FULL: full}


def _write_configuration(home: Path, *, socket: Path, models: Sequence[str]) -> int:
    """Write the configuration of a gateway that listens on the port that is returned."""
    port = free_port()
    text = _CONFIGURATION.format(
        port=port,
        admin_port=free_port(),
        socket=socket,
        key_file=socket.with_name("vllm.key"),
    )
    home.mkdir(mode=0o700, exist_ok=True)
    text += "".join(f'[models."{model}"]\nproduction = true\n' for model in models)
    (home / "sealgate.toml").write_text(text)
    return port


async def _register(home: Path, grants: Mapping[str, ClientGrants]) -> dict[str, tuple[str, str]]:
    """Create a client for each of *grants*; return their ids and secrets."""
    room = await open_control(home / "sealgate.toml")
    try:
        issued = {name: await room.clients.create(LocalOperator(), grants[name]) for name in grants}
        return {name: (one.client_id, one.secret.reveal()) for name, one in issued.items()}
    finally:
        await room.close()


async def _fetch_token(
    site: _Site, secret: tuple[str, str], prover: DpopProver | None = None
) -> str:
    basic = b64encode(":".join(secret).encode()).decode()
    headers = [
        ("authorization", f"Basic {basic}"),
        ("content-type", "application/x-www-form-urlencoded"),
    ]
    if prover is not None:
        uri = f"https://{site.host}/oauth2/token"
        headers.append(("dpop", prover.prove_token_request(uri, now=datetime.now(UTC))))
    body = b"grant_type=client_credentials"
    answer = await _exchange(site, "POST", "/oauth2/token", headers=headers, body=body)
    value: dict[str, Any] = orjson.loads(answer)
    return str(value["access_token"])


async def _fetch_key(site: _Site) -> KeyConfig:
    offered = parse_key_list(await _exchange(site, "GET", SEALED_PATH, headers=(), body=b""))
    key = find_usable_config(offered)
    if key is None:
        raise RuntimeError("the gateway offers no key that this client can use")
    return key


async def _exchange(
    site: _Site, method: str, path: str, *, headers: Sequence[tuple[str, str]], body: bytes
) -> bytes:
    data = write_request(path, body, headers=[("host", site.host), *headers], method=method)
    target = Target("setup", site.address, lambda _: Outgoing(data), site.tls)
    async with asyncio.timeout(_SETUP_SECONDS):
        [received] = await receive_all([await connect(target, b"")])
    content = b"".join(arrival.data for arrival in received.arrivals)
    if received.status != 200:
        raise RuntimeError(f"{method} {path} was answered with {received.status}: {content!r}")
    return content


def _http_date() -> str:
    return format_datetime(datetime.now(UTC), usegmt=True)
