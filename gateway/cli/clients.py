"""``sealgate clients``: register, change, disable clients and assign roles."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Annotated

import typer

from gateway.cli.rows import client_row, issued_row
from gateway.cli.session import AsJson, act, show
from gateway.control.actors import LocalOperator
from gateway.control.clients import ClientGrants
from gateway.core.grants import every_operation
from gateway.core.identity import Network, Role
from gateway.core.shaping import Shaping, parse_shaping

app = typer.Typer(no_args_is_help=True, help="Register, change and disable clients.")

_ME = LocalOperator()


def _shaping(value: str) -> Shaping:
    try:
        return parse_shaping(value)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


Models = Annotated[
    list[str] | None, typer.Option("--model", help="A model or LoRA adapter it may call.")
]
Networks = Annotated[
    list[str] | None,
    typer.Option("--network", help="A network it may call from, as in 10.0.0.0/8."),
]
ShapingOption = Annotated[
    Shaping | None,
    typer.Option(
        parser=_shaping,
        metavar="none|coalesce:MS|cells:MS",
        help="How its streams leave: at once, collected for a time, or in cells at one rate.",
    ),
]


def _networks(values: list[str] | None) -> tuple[Network, ...] | None:
    try:
        return tuple(ip_network(value) for value in values) if values else None
    except ValueError:
        raise typer.BadParameter("a network looks like 10.0.0.0/8 or 2001:db8::/32") from None


@app.command("list")
def list_clients(
    context: typer.Context,
    after: str = "",
    limit: Annotated[int, typer.Option(min=1)] = 50,
    as_json: AsJson = False,
) -> None:
    """List clients by identifier."""
    found = act(context, lambda room: room.clients.list_page(_ME, after=after, limit=limit))
    show([client_row(stored) for stored in found], as_json=as_json)


@app.command()
def create(
    context: typer.Context,
    model: Models = None,
    network: Networks = None,
    role: Role = Role.APPLICATION,
    plaintext_allowed: bool = False,
    shaping: ShapingOption = None,
    as_json: AsJson = False,
) -> None:
    """Register a client and print its secret, this once. Without a network it can do nothing."""
    grants = ClientGrants(
        every_operation(model or ()), _networks(network) or (), plaintext_allowed, shaping
    )
    issued = act(context, lambda room: room.clients.create(_ME, grants, role=role))
    show(issued_row(issued), as_json=as_json)


@app.command()
def read(context: typer.Context, client_id: str, as_json: AsJson = False) -> None:
    """Show one client."""
    stored = act(context, lambda room: room.clients.get(_ME, client_id))
    show(client_row(stored), as_json=as_json)


@app.command()
def change(
    context: typer.Context,
    client_id: str,
    model: Models = None,
    network: Networks = None,
    plaintext_allowed: bool | None = None,
    shaping: ShapingOption = None,
    as_json: AsJson = False,
) -> None:
    """Replace a client's models, networks or leave to send clear requests; the rest stays."""
    grants = ClientGrants(
        every_operation(model) if model else None, _networks(network), plaintext_allowed, shaping
    )
    stored = act(context, lambda room: room.clients.change(_ME, client_id, grants))
    show(client_row(stored), as_json=as_json)


@app.command()
def disable(context: typer.Context, client_id: str, as_json: AsJson = False) -> None:
    """Disable a client and revoke its tokens."""
    stored = act(context, lambda room: room.clients.disable(_ME, client_id))
    show(client_row(stored), as_json=as_json)


@app.command()
def enable(context: typer.Context, client_id: str, as_json: AsJson = False) -> None:
    """Enable a disabled client."""
    stored = act(context, lambda room: room.clients.enable(_ME, client_id))
    show(client_row(stored), as_json=as_json)


@app.command("assign-role")
def assign_role(
    context: typer.Context, client_id: str, role: Role, as_json: AsJson = False
) -> None:
    """Give a client its one role and revoke its tokens.

    With a staff role its credentials end too, and the secret of a fresh one is printed, this once.
    """
    changed = act(context, lambda room: room.clients.assign_role(_ME, client_id, role))
    row = client_row(changed.stored)
    show(row if changed.issued is None else {**row, **issued_row(changed.issued)}, as_json=as_json)
