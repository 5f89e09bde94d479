"""The rows that commands print: named members only, never a hash or a byte of a key."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network

from gateway.cli.rows import (
    client_row,
    credential_row,
    issued_row,
    key_row,
    record_row,
    revocation_row,
)
from gateway.control.clients import IssuedCredential
from gateway.core.access_log import AccessRecord
from gateway.core.grants import every_operation
from gateway.core.identity import Client, Role
from gateway.core.keyring import KeyAlgorithm, KeyState, KeyUse, StoredKey
from gateway.core.registry import Credential, Revocation, RevocationKind, StoredClient
from gateway.core.secret import Secret

NOW = datetime(2026, 11, 23, tzinfo=UTC)
KEY = StoredKey(
    kid="k",
    use=KeyUse.ENCRYPTION,
    algorithm=KeyAlgorithm.X25519,
    state=KeyState.ACTIVE,
    key_id=7,
    created_at=NOW,
    activated_at=NOW,
    retires_at=None,
    revoked_at=None,
    public=b"public half",
    wrapped_private=b"private half",
)


def test_client_row_is_sorted_text() -> None:
    """Models are in order, networks as they are written, the role by its word."""
    client = Client(
        "c", Role.AUDITOR, every_operation({"b", "a"}), (ip_network("10.0.0.0/8"),), disabled=True
    )
    row = client_row(StoredClient(client, created_at=NOW, changed_at=NOW))
    assert row == {
        "client_id": "c",
        "role": "auditor",
        "models": ["a", "b"],
        "networks": ["10.0.0.0/8"],
        "plaintext_allowed": False,
        "disabled": True,
        "shaping": "none",
        "created_at": NOW,
    }


def test_issued_row_shows_the_secret() -> None:
    """The one row with a secret is that of a fresh credential."""
    row = issued_row(IssuedCredential("c", "i", Secret("s")))
    assert row == {"client_id": "c", "credential_id": "i", "client_secret": "s"}


def test_credential_row_has_no_hash() -> None:
    """A credential is its identifier and its times."""
    row = credential_row(Credential("i", "c", "$argon2id$", NOW, NOW))
    assert row == {"credential_id": "i", "created_at": NOW, "revoked_at": NOW}


def test_key_row_has_no_byte_of_the_key() -> None:
    """A key is its names, its state and its times."""
    row = key_row(replace(KEY, retires_at=NOW))
    assert not any(isinstance(value, bytes) for value in row.values())
    assert (row["kid"], row["use"], row["algorithm"]) == ("k", "encryption", "X25519")
    assert (row["state"], row["key_id"], row["retires_at"]) == ("active", 7, NOW)


def test_revocation_row_names_its_kind() -> None:
    """A revocation is what it withdraws, since when and how long it is remembered."""
    row = revocation_row(Revocation(RevocationKind.JTI, "j", NOW, None))
    assert row == {"kind": "jti", "subject": "j", "revoked_at": NOW, "expires_at": None}


def test_record_row_has_three_members() -> None:
    """A record is time, status and address."""
    row = record_row(AccessRecord(NOW, 204, ip_address("::1")))
    assert row == {"time": NOW, "status": 204, "ip": "::1"}
