"""``sealgate seal-request``: one sealed call from the command line, for finding faults.

What curl is for plain HTTP: the same path, headers and body, sealed on the way and opened here.
"""

from __future__ import annotations

import ssl
import sys
from pathlib import Path
from typing import Annotated

import httpx2
import typer

from gateway.cli.connect import CaFile, ClientId, EnvFile, Pin, SecretFile, TrustTls
from gateway.client.account import Account
from gateway.client.connect.options import WrongUse, read_credentials
from gateway.client.outer import UntrustedKeys
from gateway.client.single_call import NotSealed, SingleCall, encapsulate, perform

_LOWEST_ERROR = 400


def seal_request(
    method: Annotated[str, typer.Argument(help="GET or POST")],
    path: Annotated[str, typer.Argument(help="/v1/…")],
    origin: Annotated[str, typer.Option(help="The gateway, https://host[:port].")],
    header: Annotated[
        list[str] | None, typer.Option("--header", "-H", help="'name: value'; may be repeated.")
    ] = None,
    data: Annotated[
        str | None, typer.Option("--data", "-d", help="Body; @FILE or @- reads it from there.")
    ] = None,
    client_id: ClientId = None,
    client_secret_file: SecretFile = None,
    env_file: EnvFile = None,
    pin: Pin = None,
    trust_tls: TrustTls = False,
    ca_file: CaFile = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the sealed request in hex, do not send it.")
    ] = False,
    include: Annotated[
        bool, typer.Option("--include", "-i", help="Print the status and headers inside, too.")
    ] = False,
) -> None:
    """Send one sealed request and print the opened answer."""
    try:
        credentials = read_credentials(client_id, secret_file=client_secret_file, env_file=env_file)
        account = Account(
            origin,
            credentials.client_id,
            credentials.client_secret,
            pin=pin,
            trust_tls=trust_tls,
        )
        call = SingleCall(method.upper(), path, parse_headers(header or [], data), read_body(data))
    except (WrongUse, ValueError) as error:
        raise typer.BadParameter(str(error)) from None
    upstream = httpx2.HTTPTransport(verify=ssl.create_default_context(cafile=ca_file))
    raise typer.Exit(execute(call, account, upstream=upstream, mode=(dry_run, include)))


def execute(
    call: SingleCall,
    account: Account,
    *,
    upstream: httpx2.BaseTransport,
    mode: tuple[bool, bool] = (False, False),
) -> int:
    """Carry the call out and print; return the exit code. *mode* is dry run, and show the head."""
    dry_run, include = mode
    try:
        if dry_run:
            typer.echo(encapsulate(call, account, upstream=upstream).hex())
            return 0
        out = sys.stdout.buffer
        status = perform(call, account, upstream=upstream, out=out, with_head=include)
    except (httpx2.TransportError, UntrustedKeys, NotSealed) as error:
        sys.stdout.flush()
        typer.echo(f"sealgate: {str(error) or type(error).__name__}", err=True)
        return 1
    return int(status >= _LOWEST_ERROR)


def parse_headers(lines: list[str], data: str | None) -> tuple[tuple[str, str], ...]:
    """Return the header fields of ``name: value`` lines; with a body, JSON unless they say else.

    Raises ``ValueError`` for a line without a colon.
    """
    pairs = [line.partition(":") for line in lines]
    if not all(colon and name.strip() for name, colon, _ in pairs):
        raise ValueError("a header is 'name: value'")
    headers = tuple((name.strip(), value.strip()) for name, _, value in pairs)
    if data is not None and not any(name.lower() == "content-type" for name, _ in headers):
        headers += (("content-type", "application/json"),)
    return headers


def read_body(data: str | None) -> bytes:
    """Return the body that ``--data`` stands for."""
    if data is None or not data.startswith("@"):
        return (data or "").encode("utf-8")
    return sys.stdin.buffer.read() if data == "@-" else Path(data[1:]).read_bytes()
