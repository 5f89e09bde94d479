"""``sealgate connect``: the local proxy of ``gateway.client.connect`` as a subcommand.

``sealgate-connect`` is the same with less memory, since it does not load the server's rooms.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gateway.client.account import Entrance
from gateway.client.connect.command import ConnectOptions, run
from gateway.client.connect.options import DEFAULT_LISTEN, DEFAULT_MAX_BODY_BYTES

Origin = Annotated[str, typer.Argument(help="The gateway, https://host[:port].")]
ClientId = Annotated[str | None, typer.Option(help="Who the application is.")]
SecretFile = Annotated[Path | None, typer.Option(help="The client secret, mode 0600.")]
EnvFile = Annotated[
    Path | None, typer.Option(help="SEALGATE_CLIENT_ID= and SEALGATE_CLIENT_SECRET=, mode 0600.")
]
Pin = Annotated[
    str | None, typer.Option(help="sealgate-pin-ed25519:…, which signs the key document.")
]
TrustTls = Annotated[
    bool, typer.Option("--trust-tls", help="Without a pin: believe keys because TLS is.")
]
CaFile = Annotated[Path | None, typer.Option(help="Authority of the gateway's certificate, PEM.")]


def connect(
    origin: Origin,
    listen: Annotated[str, typer.Option(help="127.0.0.1:PORT or unix:/path.")] = DEFAULT_LISTEN,
    client_id: ClientId = None,
    client_secret_file: SecretFile = None,
    env_file: EnvFile = None,
    pin: Pin = None,
    trust_tls: TrustTls = False,
    state_file: Annotated[
        Path | None, typer.Option(help="Remembers the newest key document over a restart.")
    ] = None,
    ca_file: CaFile = None,
    entrance: Annotated[Entrance, typer.Option(help="Where to post.")] = "well-known",
    max_body_bytes: Annotated[int, typer.Option(min=1)] = DEFAULT_MAX_BODY_BYTES,
) -> None:
    """Serve the plain model API on loopback or a Unix socket and seal it to a gateway."""
    options = ConnectOptions(
        origin=origin,
        listen=listen,
        client_id=client_id,
        client_secret_file=client_secret_file,
        env_file=env_file,
        pin=pin,
        trust_tls=trust_tls,
        state_file=state_file,
        ca_file=ca_file,
        entrance=entrance,
        max_body_bytes=max_body_bytes,
    )
    raise typer.Exit(run(options))
