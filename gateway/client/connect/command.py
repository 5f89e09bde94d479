"""``sealgate-connect``: read the options, listen, and serve until told to stop.

Exit codes: 0 stopped as asked, 1 could not start, 2 wrong use. Says where it listens and why it
could not, and nothing about requests.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import ssl
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, get_args

import httpx2

from gateway.client.account import Account, Entrance
from gateway.client.connect.connection import Limits
from gateway.client.connect.options import (
    DEFAULT_LISTEN,
    DEFAULT_MAX_BODY_BYTES,
    WrongUse,
    parse_listen,
    read_credentials,
)
from gateway.client.connect.relay import Relay
from gateway.client.connect.server import ConnectServer
from gateway.client.httpx2_transport import AsyncSealgateTransport

_GRACE_SECONDS: Final = 20.0
_MAX_UPSTREAM_CONNECTIONS: Final = 256


@dataclass(frozen=True, slots=True)
class ConnectOptions:
    """Everything that can be said on the command line."""

    origin: str
    listen: str = DEFAULT_LISTEN
    client_id: str | None = None
    client_secret_file: Path | None = None
    env_file: Path | None = None
    pin: str | None = None
    trust_tls: bool = False
    state_file: Path | None = None
    ca_file: Path | None = None
    entrance: Entrance = "well-known"
    max_body_bytes: int = DEFAULT_MAX_BODY_BYTES


def main() -> None:
    """Run the command with the words of the command line."""
    raise SystemExit(run(parse_options(sys.argv[1:])))


def parse_options(words: Sequence[str]) -> ConnectOptions:
    """Return the options that the command line's *words* say; exits with 2 for wrong ones."""
    return ConnectOptions(**vars(_parser().parse_args(words)))


def run(options: ConnectOptions) -> int:
    """Serve until a signal to stop; return the exit code."""
    try:
        asyncio.run(_serve(options))
    except (WrongUse, ValueError) as error:
        return _fail(str(error), code=2)
    except OSError as error:
        return _fail(error.strerror or type(error).__name__, code=1)
    return 0


def make_server(options: ConnectOptions) -> ConnectServer:
    """Return the server that *options* describe, not yet listening.

    Raises ``WrongUse`` or ``ValueError`` for what cannot be used, ``OSError`` for a missing file.
    """
    listen = parse_listen(options.listen)
    if options.pin is None and not options.trust_tls:
        raise WrongUse("give --pin as the gateway's operator prints it, or --trust-tls")
    if options.max_body_bytes < 1:
        raise WrongUse("the largest body has at least one byte")
    credentials = read_credentials(
        options.client_id, secret_file=options.client_secret_file, env_file=options.env_file
    )
    account = Account(
        options.origin,
        credentials.client_id,
        credentials.client_secret,
        pin=options.pin,
        trust_tls=options.trust_tls,
        state_file=options.state_file,
        entrance=options.entrance,
    )
    upstream = httpx2.AsyncHTTPTransport(
        verify=ssl.create_default_context(cafile=options.ca_file),
        limits=httpx2.Limits(max_connections=_MAX_UPSTREAM_CONNECTIONS),
    )
    relay = Relay(account.origin, AsyncSealgateTransport(account, upstream=upstream))
    return ConnectServer(listen, relay=relay, limits=Limits(options.max_body_bytes))


async def _serve(options: ConnectOptions) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    server = make_server(options)
    await server.start()
    _say(f"listening on {server.address}")
    await stopped.wait()
    await server.stop(grace_seconds=_GRACE_SECONDS)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sealgate-connect",
        description="A local proxy that seals the plain model API to a Sealgate gateway.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("origin", help="the gateway, https://host[:port]")
    add("--listen", default=DEFAULT_LISTEN, help="127.0.0.1:PORT or unix:/path (%(default)s)")
    add("--client-id", help="who the application is")
    add("--client-secret-file", type=Path, help="file with the client secret, mode 0600")
    add("--env-file", type=Path, help="file with SEALGATE_CLIENT_ID= and SEALGATE_CLIENT_SECRET=")
    add("--pin", help="sealgate-pin-ed25519:…, the key that signs the gateway's key document")
    add("--trust-tls", action="store_true", help="without a pin: believe keys because TLS is")
    add("--state-file", type=Path, help="remembers the newest key document over a restart")
    add("--ca-file", type=Path, help="PEM file with the authority of the gateway's certificate")
    add("--entrance", choices=get_args(Entrance), default="well-known")
    add("--max-body-bytes", type=int, default=DEFAULT_MAX_BODY_BYTES)
    return parser


def _fail(message: str, *, code: int) -> int:
    _say(message)
    return code


def _say(message: str) -> None:
    sys.stderr.write(f"sealgate-connect: {message}\n")
    sys.stderr.flush()
