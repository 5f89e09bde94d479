"""``sealgate keys``: list, rotate and revoke keys."""

from __future__ import annotations

import typer

from gateway.cli.rows import key_row
from gateway.cli.session import AsJson, act, show
from gateway.control.actors import LocalOperator
from gateway.core.keyring import KeyUse

app = typer.Typer(no_args_is_help=True, help="List, rotate and revoke keys.")

_ME = LocalOperator()


@app.command("list")
def list_keys(context: typer.Context, as_json: AsJson = False) -> None:
    """List all keys in the order of their creation."""
    found = act(context, lambda room: room.keys.list_all(_ME))
    show([key_row(key) for key in found], as_json=as_json)


@app.command()
def rotate(context: typer.Context, use: KeyUse, as_json: AsJson = False) -> None:
    """Put new active keys in place of those of a use; the old ones retire."""
    found = act(context, lambda room: room.keys.rotate(_ME, use))
    show([key_row(key) for key in found], as_json=as_json)


@app.command()
def revoke(context: typer.Context, kid: str, as_json: AsJson = False) -> None:
    """Withdraw a key at once; if it was active, a new one takes its place."""
    key = act(context, lambda room: room.keys.revoke(_ME, kid))
    show(key_row(key), as_json=as_json)
