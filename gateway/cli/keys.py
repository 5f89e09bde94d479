"""``sealgate keys``: list, rotate, rewrap and revoke keys, and print the pin for clients."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.act import act
from gateway.cli.output import AsJson, show
from gateway.cli.rows import key_row
from gateway.control.actors import LocalOperator
from gateway.core.key_document import encode_pin, pin_fingerprint
from gateway.core.keyring import KeyUse

app = typer.Typer(no_args_is_help=True, help="List, rotate, rewrap, revoke and pin keys.")

_ME = LocalOperator()


@app.command("list")
def list_keys(context: typer.Context, as_json: AsJson = False) -> None:
    """List all keys in the order of their creation."""
    found = act(context, lambda room: room.keys.list_all(_ME))
    show([key_row(key) for key in found], as_json=as_json)


@app.command()
def rotate(context: typer.Context, use: KeyUse, as_json: AsJson = False) -> None:
    """Make new keys of a use; the old ones retire.

    New keys for encryption and signing are pending; the running gateway uses them at activates_at.
    Clients pin the document key: after rotating it, hand out the new pin.
    """
    found = act(context, lambda room: room.keys.rotate(_ME, use))
    show([key_row(key) for key in found], as_json=as_json)


@app.command()
def rewrap(context: typer.Context, as_json: AsJson = False) -> None:
    """Wrap every usable key anew, after a rotation of the wrapping key.

    No key changes. Keep the old wrapping key for a day more: kept answers are still under it.
    """
    found = act(context, lambda room: room.rewrapping.rewrap(_ME))
    show([key_row(key) for key in found], as_json=as_json)


@app.command()
def revoke(
    context: typer.Context,
    kid: str,
    drain: Annotated[bool, typer.Option(help="Let running streams finish.")] = False,
    as_json: AsJson = False,
) -> None:
    """Withdraw a key at once; if it was active, another one takes its place."""
    key = act(context, lambda room: room.keys.revoke(_ME, kid, drain=drain))
    show(key_row(key), as_json=as_json)


@app.command()
def pin(context: typer.Context, as_json: AsJson = False) -> None:
    """Print what clients pin, and its fingerprint to compare over another channel."""
    public = act(context, lambda room: room.keys.document_pin(_ME))
    value = {"pin": encode_pin(public), "fingerprint": pin_fingerprint(public)}
    if as_json:
        show(value, as_json=True)
    else:
        typer.echo(f"pin          {value['pin']}\nfingerprint  {value['fingerprint']}")
