"""The shapes of credentials: what is secret is shown once or never."""

from __future__ import annotations

from datetime import UTC, datetime

from gateway.api.admin.credential_shapes import CredentialOut, IssuedOut
from gateway.control.clients import IssuedCredential
from gateway.core.registry import Credential, CredentialKind
from gateway.core.secret import Secret

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def test_credential_is_shown_without_its_hash() -> None:
    """A stored credential is its names and times; a fresh one its secret, this once."""
    stored = CredentialOut.of(Credential("i", "c", "$argon2id$", NOW))
    assert "argon" not in stored.model_dump_json()
    issued = IssuedOut.of(IssuedCredential("c", "i", Secret("s")))
    assert issued.model_dump() == {
        "client_id": "c",
        "credential_id": "i",
        "kind": "client_secret_basic",
        "client_secret": "s",
    }


def test_public_verifiers_are_shown() -> None:
    """A key and a subject are no secrets: whoever registered them sees which they are."""
    key = Credential("i", "c", '{"kty":"OKP"}', NOW, kind=CredentialKind.PUBLIC_KEY)
    assert CredentialOut.of(key).jwk == {"kty": "OKP"}
    name = Credential("i", "c", "dns:app.example", NOW, kind=CredentialKind.CERTIFICATE)
    assert CredentialOut.of(name).subject == "dns:app.example"
