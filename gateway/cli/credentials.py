"""``sealgate credentials``: what clients prove themselves with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from gateway.cli.act import act
from gateway.cli.output import AsJson, show
from gateway.cli.rows import credential_row, made_row
from gateway.control.actors import LocalOperator
from gateway.control.credentials import SECRET, Proof, parse_public_key, parse_subject
from gateway.core.errors import MalformedRequest
from gateway.core.jws import Unreadable, parse_object

app = typer.Typer(
    no_args_is_help=True, help="Add, rotate and revoke what clients prove themselves with."
)

_ME = LocalOperator()
_MAX_JWK_BYTES: Final = 16384

JwkFile = Annotated[
    Path | None,
    typer.Option(
        exists=True, dir_okay=False, help="Its public key, as a JWK: it signs assertions with it."
    ),
]
CertificateSubject = Annotated[
    str | None,
    typer.Option(
        metavar="dn:…|dns:…|uri:…|ip:…|email:…", help="The name that its certificate must carry."
    ),
]


def parse_proof(jwk: Path | None, subject: str | None, *, none: bool) -> Proof | None:
    """Return how a new client proves itself: a secret unless an option says otherwise."""
    if (jwk is not None) + (subject is not None) + none > 1:
        raise typer.BadParameter("a key, the subject of a certificate, or no credential: one only")
    try:
        if jwk is not None:
            return parse_public_key(_read_jwk(jwk))
        if subject is not None:
            return parse_subject(subject)
    except MalformedRequest as refusal:
        raise typer.BadParameter(refusal.detail) from None
    return None if none else SECRET


def _read_jwk(path: Path) -> dict[str, object]:
    with path.open("rb") as file:
        text = file.read(_MAX_JWK_BYTES + 1)
    if len(text) > _MAX_JWK_BYTES:
        raise MalformedRequest("The file holds no JWK.")
    try:
        return parse_object(text)
    except Unreadable:
        raise MalformedRequest("The file holds no JWK.") from None


@app.command("list")
def list_credentials(
    context: typer.Context,
    client_id: str,
    skip: Annotated[int, typer.Option(min=0)] = 0,
    limit: Annotated[int, typer.Option(min=1)] = 50,
    as_json: AsJson = False,
) -> None:
    """List a client's credentials, oldest first."""
    found = act(
        context,
        lambda room: room.credentials.list_page(_ME, client_id, skip=skip, limit=limit),
    )
    show([credential_row(credential) for credential in found], as_json=as_json)


@app.command()
def add(
    context: typer.Context,
    client_id: str,
    jwk: JwkFile = None,
    certificate_subject: CertificateSubject = None,
    as_json: AsJson = False,
) -> None:
    """Register a public key or the subject of a certificate; nothing secret is made."""
    proof = parse_proof(jwk, certificate_subject, none=False)
    if proof is None or proof == SECRET:
        raise typer.BadParameter("give --jwk or --certificate-subject; rotate makes a secret")
    added = act(context, lambda room: room.credentials.add(_ME, client_id, proof))
    show(made_row(client_id, added.made), as_json=as_json)


@app.command()
def rotate(context: typer.Context, client_id: str, as_json: AsJson = False) -> None:
    """Give a client one more secret and print it, this once; the old one stays good."""
    added = act(context, lambda room: room.credentials.add(_ME, client_id, SECRET))
    show(made_row(client_id, added.made), as_json=as_json)


@app.command()
def revoke(
    context: typer.Context, client_id: str, credential_id: str, as_json: AsJson = False
) -> None:
    """Withdraw one credential of a client, and every token that was fetched with it."""
    revoked = act(context, lambda room: room.credentials.revoke(_ME, client_id, credential_id))
    show(credential_row(revoked.credential), as_json=as_json)
