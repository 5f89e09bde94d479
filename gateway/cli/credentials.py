"""``sealgate credentials``: rotate and revoke the secrets of clients."""

from __future__ import annotations

import typer

from gateway.cli.rows import credential_row, issued_row
from gateway.cli.session import AsJson, act, show
from gateway.control.actors import LocalOperator

app = typer.Typer(no_args_is_help=True, help="Rotate and revoke the secrets of clients.")

_ME = LocalOperator()


@app.command("list")
def list_credentials(context: typer.Context, client_id: str, as_json: AsJson = False) -> None:
    """List a client's credentials."""
    found = act(context, lambda room: room.clients.list_credentials(_ME, client_id))
    show([credential_row(credential) for credential in found], as_json=as_json)


@app.command()
def rotate(context: typer.Context, client_id: str, as_json: AsJson = False) -> None:
    """Give a client one more secret and print it, this once; the old one stays good."""
    issued = act(context, lambda room: room.clients.add_credential(_ME, client_id))
    show(issued_row(issued), as_json=as_json)


@app.command()
def revoke(
    context: typer.Context, client_id: str, credential_id: str, as_json: AsJson = False
) -> None:
    """Withdraw one secret of a client."""
    credential = act(
        context, lambda room: room.clients.revoke_credential(_ME, client_id, credential_id)
    )
    show(credential_row(credential), as_json=as_json)
