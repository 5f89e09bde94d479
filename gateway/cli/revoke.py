"""``sealgate revoke``: withdraw tokens, all tokens of a client, or a key, before their time."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.rows import revocation_row
from gateway.cli.session import AsJson, act, show
from gateway.control.actors import LocalOperator
from gateway.core.registry import RevocationKind

app = typer.Typer(no_args_is_help=True, help="Withdraw tokens, a client's tokens, or a key.")

_ME = LocalOperator()


def _revoke(context: typer.Context, kind: RevocationKind, subject: str, as_json: bool) -> None:
    revocation = act(context, lambda room: room.revocations.revoke(_ME, kind, subject=subject))
    show(revocation_row(revocation), as_json=as_json)


@app.command()
def token(context: typer.Context, jti: str, as_json: AsJson = False) -> None:
    """Refuse the token with this identifier (its claim jti)."""
    _revoke(context, RevocationKind.JTI, jti, as_json)


@app.command()
def client(context: typer.Context, client_id: str, as_json: AsJson = False) -> None:
    """Refuse all tokens issued to a client until now; it may fetch new ones."""
    _revoke(context, RevocationKind.CLIENT_ID, client_id, as_json)


@app.command()
def key(context: typer.Context, kid: str, as_json: AsJson = False) -> None:
    """Withdraw a key and refuse everything signed with it or sealed to it."""
    _revoke(context, RevocationKind.KID, kid, as_json)


@app.command("list")
def list_revocations(
    context: typer.Context,
    skip: Annotated[int, typer.Option(min=0)] = 0,
    limit: Annotated[int, typer.Option(min=1)] = 50,
    as_json: AsJson = False,
) -> None:
    """List the revocations that still count."""
    found = act(context, lambda room: room.revocations.list_page(_ME, skip=skip, limit=limit))
    show([revocation_row(revocation) for revocation in found], as_json=as_json)
