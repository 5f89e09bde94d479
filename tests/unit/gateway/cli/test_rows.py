"""The rows that commands print: named members only, never a hash or a byte of a key."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network

from gateway.cli.rows import (
    client_row,
    client_summary,
    credential_row,
    issued_row,
    key_row,
    made_row,
    record_row,
    revocation_row,
    segment_row,
)
from gateway.control.clients import IssuedCredential
from gateway.control.credentials import MadeCredential
from gateway.core.access_log import AccessRecord, SegmentReport, SegmentState, record_time
from gateway.core.grants import every_operation
from gateway.core.identity import Client, Role
from gateway.core.keyring import KeyAlgorithm, KeyState, KeyUse, StoredKey
from gateway.core.registry import (
    Credential,
    CredentialKind,
    Revocation,
    RevocationKind,
    StoredClient,
)
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
        "data_class": "internal",
        "token_binding": "none",
        "quota": {},
        "withheld": [],
        "scrub": {},
        "masks_requests": False,
        "parameters": [],
        "limits": {},
        "extra_members": [],
        "version": 1,
        "created_at": NOW,
    }
    short = client_summary(StoredClient(client, created_at=NOW, changed_at=NOW))
    assert short.items() <= row.items()


def test_withheld_grant_is_no_grant() -> None:
    """What was reclaimed is not among the models, but among what is withheld."""
    withheld = frozenset(grant.permission for grant in every_operation({"a"}))
    client = Client("c", Role.APPLICATION, every_operation({"b", "a"}), withheld=withheld)
    row = client_row(StoredClient(client, created_at=NOW, changed_at=NOW))
    assert (row["models"], row["withheld"]) == (["b"], sorted(withheld))


def test_made_row_has_what_was_made() -> None:
    """A secret is there for its kind alone, and nothing for a client without a credential."""
    key = Credential("i", "c", "{}", NOW, kind=CredentialKind.PUBLIC_KEY)
    assert made_row("c", None) == {"client_id": "c"}
    row = {"client_id": "c", "credential_id": "i", "kind": "private_key_jwt"}
    assert made_row("c", MadeCredential(key, None)) == row
    secret = Credential("i", "c", "$argon2id$", NOW)
    assert made_row("c", MadeCredential(secret, Secret("s")))["client_secret"] == "s"


def test_issued_row_shows_the_secret() -> None:
    """The one row with a secret is that of a fresh credential."""
    row = issued_row(IssuedCredential("c", "i", Secret("s")))
    assert row == {"client_id": "c", "credential_id": "i", "client_secret": "s"}


def test_credential_row_has_no_hash() -> None:
    """A secret is its identifier and its times; a public verifier is shown."""
    row = credential_row(Credential("i", "c", "$argon2id$", NOW, NOW))
    assert row == {
        "credential_id": "i",
        "kind": "client_secret_basic",
        "verifier": None,
        "created_at": NOW,
        "revoked_at": NOW,
    }
    key = Credential("i", "c", "{}", NOW, kind=CredentialKind.PUBLIC_KEY)
    assert credential_row(key)["verifier"] == "{}"


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
    record = AccessRecord(NOW, 204, ip_address("::1"))
    row = record_row(record)
    assert row == {"time": record_time(record), "status": 204, "ip": "::1"}


def test_segment_row_says_what_was_found() -> None:
    """What a check found is its state, and where it ended."""
    report = SegmentReport("n", NOW.date(), SegmentState.TORN, records=3, frame=1)
    assert segment_row(report) == {"segment": "n", "state": "torn", "records": 3, "frame": 1}
