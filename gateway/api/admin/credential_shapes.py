"""The JSON shapes of credentials: how a client is to prove itself, and what of that is shown.

A hash of a secret has no shape; a secret has one, for the answer that shows it once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import Field

from gateway.api.admin.shapes import Shape, checked
from gateway.control.clients import IssuedCredential
from gateway.control.credentials import (
    SECRET,
    MadeCredential,
    Proof,
    parse_public_key,
    parse_subject,
)
from gateway.core.client_certificates import MAX_SUBJECT_CHARS
from gateway.core.registry import Credential, CredentialKind


class SecretIn(Shape):
    """A secret that the gateway makes and shows once."""

    kind: Literal[CredentialKind.SECRET]

    def proof(self) -> Proof:
        """Return the value that the use cases take."""
        return SECRET


class PublicKeyIn(Shape):
    """A public key; the client signs with the private half, which stays with it (RFC 7523)."""

    kind: Literal[CredentialKind.PUBLIC_KEY]
    jwk: Annotated[dict[str, Any], checked(parse_public_key)]

    def proof(self) -> Proof:
        """Return the value that the use cases take."""
        return parse_public_key(self.jwk)


class CertificateIn(Shape):
    """The name in a client certificate: ``dn:``, ``dns:``, ``uri:``, ``ip:``, ``email:``."""

    kind: Literal[CredentialKind.CERTIFICATE]
    subject: Annotated[str, Field(max_length=MAX_SUBJECT_CHARS), checked(parse_subject)]

    def proof(self) -> Proof:
        """Return the value that the use cases take."""
        return parse_subject(self.subject)


CredentialIn = Annotated[SecretIn | PublicKeyIn | CertificateIn, Field(discriminator="kind")]


class CredentialOut(Shape):
    """A credential without its secret. *jwk* and *subject* are there for their kind alone."""

    credential_id: str
    client_id: str
    kind: CredentialKind
    jwk: Mapping[str, str] | None
    subject: str | None
    created_at: datetime
    revoked_at: datetime | None

    @classmethod
    def of(cls, credential: Credential) -> Self:
        """Return the shape of *credential*."""
        kind, verifier = credential.kind, credential.verifier
        return cls(
            credential_id=credential.credential_id,
            client_id=credential.client_id,
            kind=kind,
            jwk=json.loads(verifier) if kind is CredentialKind.PUBLIC_KEY else None,
            subject=verifier if kind is CredentialKind.CERTIFICATE else None,
            created_at=credential.created_at,
            revoked_at=credential.revoked_at,
        )


class IssuedOut(Shape):
    """A fresh credential. Its secret, if its kind has one, is shown here and never again."""

    client_id: str
    credential_id: str | None = None
    kind: CredentialKind | None = None
    client_secret: str | None = None

    @classmethod
    def of(cls, issued: IssuedCredential) -> Self:
        """Return the shape of *issued*."""
        return cls(
            client_id=issued.client_id,
            credential_id=issued.credential_id,
            kind=CredentialKind.SECRET,
            client_secret=issued.secret.reveal(),
        )

    @classmethod
    def of_made(cls, client_id: str, made: MadeCredential | None) -> Self:
        """Return the shape of *made*, or of a client without a credential."""
        if made is None:
            return cls(client_id=client_id)
        return cls(
            client_id=client_id,
            credential_id=made.credential.credential_id,
            kind=made.credential.kind,
            client_secret=None if made.secret is None else made.secret.reveal(),
        )
