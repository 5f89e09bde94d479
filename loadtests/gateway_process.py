"""The gateway as a contender: set up, started and asked for a token as its users would."""

import asyncio
import ssl
import subprocess
import sys
from base64 import b64encode
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from ipaddress import ip_network
from pathlib import Path
from time import perf_counter
from typing import Any

import orjson

from gateway.configured_room import open_control
from gateway.control.actors import LocalOperator
from gateway.control.clients import ClientGrants
from gateway.core.grants import every_operation
from gateway.core.ohttp_keys import find_usable_config, parse_key_list
from loadtests.client import (
    SEALED_PATH,
    Outgoing,
    Target,
    connect,
    in_the_clear,
    receive_all,
    sealed,
    write_request,
)
from loadtests.measure import Contender
from loadtests.processes import free_port, is_listening, resident_megabytes, running, wait_for_start

_CONFIGURATION = """\
[listen]
port = {port}
[admin]
port = {admin_port}
[upstream]
uds = "{socket}"
api_key_file = "{key_file}"
"""


@dataclass(frozen=True, slots=True)
class _Site:
    """Where the gateway under test lives and listens."""

    home: Path
    address: tuple[str, int]
    tls: ssl.SSLContext

    @property
    def host(self) -> str:
        return f"localhost:{self.address[1]}"


def find_sealgate() -> Path | None:
    """Return the gateway's command beside this interpreter, or None where it is not installed."""
    program = Path(sys.executable).parent / "sealgate"
    return program if program.exists() else None


async def add_gateway(
    stack: AsyncExitStack, directory: Path, *, socket: Path, models: Sequence[str]
) -> list[Contender]:
    """Start the gateway in front of *socket*; return it over TLS alone and sealed within TLS.

    Both are the same process with every stage on; only what the client sends differs.
    """
    program = str(find_sealgate())
    site = await _set_up(program, directory / "gateway", socket=socket, models=models)
    secret = await _register(site, models)
    log = site.home / "gateway.log"
    # Without an option the command reads ./sealgate.toml.
    command = [program, "serve"]
    started = perf_counter()
    pid = await stack.enter_async_context(running(command, log=log, cwd=site.home))
    await wait_for_start(lambda: is_listening(site.address), log=log)
    token = await _fetch_token(site, secret)
    notes = (
        f"gateway: {perf_counter() - started:.2f} s from its start to the first answer",
        f"gateway: {resident_megabytes(pid):.0f} MB resident before the load",
    )
    configurations = parse_key_list(await _exchange(site, "GET", SEALED_PATH, headers=(), body=b""))
    key = find_usable_config(configurations)
    if key is None:
        raise RuntimeError("the gateway offers no key that this client can use")
    clear = in_the_clear(host=site.host, token=token)
    closed = sealed(key, host=site.host, token=token, date=_http_date)
    return [
        Contender(
            Target("gateway-tls", site.address, clear, site.tls), pid, redacts=True, notes=notes
        ),
        Contender(Target("gateway-sealed", site.address, closed, site.tls), pid, redacts=True),
    ]


async def _set_up(program: str, home: Path, *, socket: Path, models: Sequence[str]) -> _Site:
    address = ("127.0.0.1", free_port())
    _write_configuration(home, port=address[1], socket=socket, models=models)
    done = await asyncio.create_subprocess_exec(
        program, "init", "--json", cwd=home, stdout=subprocess.PIPE
    )
    output, _ = await done.communicate()
    if done.returncode:
        raise RuntimeError("sealgate init failed")
    tls = ssl.create_default_context(cafile=orjson.loads(output)["ca_file"])
    return _Site(home, address, tls)


def _write_configuration(home: Path, *, port: int, socket: Path, models: Sequence[str]) -> None:
    text = _CONFIGURATION.format(
        port=port,
        admin_port=free_port(),
        socket=socket,
        key_file=socket.with_name("vllm.key"),
    )
    text += "".join(f'[models."{model}"]\nproduction = true\n' for model in models)
    home.mkdir(mode=0o700)
    (home / "sealgate.toml").write_text(text)


async def _register(site: _Site, models: Sequence[str]) -> tuple[str, str]:
    """Create a client that may call *models*, in the clear too; return its id and secret."""
    room = await open_control(site.home / "sealgate.toml")
    try:
        grants = ClientGrants(
            grants=every_operation(models),
            networks=(ip_network("127.0.0.0/8"),),
            plaintext_allowed=True,
        )
        issued = await room.clients.create(LocalOperator(), grants)
        return issued.client_id, issued.secret.reveal()
    finally:
        await room.close()


async def _fetch_token(site: _Site, secret: tuple[str, str]) -> str:
    basic = b64encode(":".join(secret).encode()).decode()
    headers = [
        ("authorization", f"Basic {basic}"),
        ("content-type", "application/x-www-form-urlencoded"),
    ]
    body = b"grant_type=client_credentials"
    answer = await _exchange(site, "POST", "/oauth2/token", headers=headers, body=body)
    value: dict[str, Any] = orjson.loads(answer)
    return str(value["access_token"])


async def _exchange(
    site: _Site, method: str, path: str, *, headers: Sequence[tuple[str, str]], body: bytes
) -> bytes:
    data = write_request(path, body, headers=[("host", site.host), *headers], method=method)
    target = Target("setup", site.address, lambda _: Outgoing(data), site.tls)
    [received] = await receive_all([await connect(target, b"")])
    content = b"".join(arrival.data for arrival in received.arrivals)
    if received.status != 200:
        raise RuntimeError(f"{method} {path} was answered with {received.status}")
    return content


def _http_date() -> str:
    return format_datetime(datetime.now(UTC), usegmt=True)
