"""``sealgate revoke``: withdraw tokens and keys before their time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from gateway.cli.act import act
from gateway.cli.output import AsJson, Row, show
from gateway.cli.rows import revocation_row
from gateway.control.actors import LocalOperator
from gateway.core.identity import Role
from gateway.core.registry import EVERYTHING_SUBJECT, RevocationKind

app = typer.Typer(
    no_args_is_help=True,
    help="Withdraw tokens: one, those of a client, credential or role, or all; or a key.",
)

_ME = LocalOperator()


def _parse_moment(value: str) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise typer.BadParameter("a time looks like 2026-01-31T12:00:00Z") from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


IssuedBefore = Annotated[
    datetime | None,
    typer.Option(
        parser=_parse_moment,
        metavar="TIME",
        help="Withdraw only what was issued before; UTC unless it says another zone.",
    ),
]


def _revoke(
    context: typer.Context,
    kind: RevocationKind,
    subject: str,
    issued_before: datetime | None = None,
) -> Row:
    entry = act(
        context,
        lambda room: room.revocations.revoke(
            _ME, kind, subject=subject, issued_before=issued_before
        ),
    )
    return revocation_row(entry)


@app.command()
def token(context: typer.Context, jti: str, as_json: AsJson = False) -> None:
    """Refuse the token with this identifier (its claim jti)."""
    show(_revoke(context, RevocationKind.JTI, jti), as_json=as_json)


@app.command()
def client(
    context: typer.Context,
    client_id: str,
    issued_before: IssuedBefore = None,
    as_json: AsJson = False,
) -> None:
    """Refuse all tokens issued to a client until now; it may fetch new ones."""
    show(_revoke(context, RevocationKind.CLIENT_ID, client_id, issued_before), as_json=as_json)


@app.command()
def credential(
    context: typer.Context,
    credential_id: str,
    issued_before: IssuedBefore = None,
    as_json: AsJson = False,
) -> None:
    """Refuse all tokens fetched with a credential until now; it stays good for new ones."""
    kind = RevocationKind.CREDENTIAL_ID
    show(_revoke(context, kind, credential_id, issued_before), as_json=as_json)


@app.command()
def role(
    context: typer.Context,
    role: Role,
    issued_before: IssuedBefore = None,
    as_json: AsJson = False,
) -> None:
    """Refuse all tokens of clients of a role issued until now; they may fetch new ones."""
    show(_revoke(context, RevocationKind.ROLE, role.value, issued_before), as_json=as_json)


@app.command()
def everything(
    context: typer.Context, issued_before: IssuedBefore = None, as_json: AsJson = False
) -> None:
    """Refuse every token issued until now, whosever it is."""
    kind = RevocationKind.EVERYTHING
    show(_revoke(context, kind, EVERYTHING_SUBJECT, issued_before), as_json=as_json)


@app.command()
def key(context: typer.Context, kid: str, as_json: AsJson = False) -> None:
    """Withdraw a key and refuse everything signed with it or sealed to it."""
    show(_revoke(context, RevocationKind.KID, kid), as_json=as_json)


@app.command("list")
def list_revocations(
    context: typer.Context,
    after: Annotated[
        str, typer.Option(metavar="KIND:SUBJECT", help="The last one of the page before.")
    ] = "",
    limit: Annotated[int, typer.Option(min=1)] = 50,
    as_json: AsJson = False,
) -> None:
    """List the revocations that still count, by kind and subject."""
    kind, _, subject = after.partition(":")
    found = act(
        context,
        lambda room: room.revocations.list_page(_ME, after=(kind, subject), limit=limit),
    )
    show([revocation_row(revocation) for revocation in found], as_json=as_json)
