"""The JSON shapes: unknown members refused, and no room for a hash or a key."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import ip_address, ip_network

import pytest
from pydantic import ValidationError

from gateway.api.admin import shapes
from gateway.api.admin.shapes import (
    AccessRecordOut,
    ClientOut,
    CredentialOut,
    GrantsIn,
    IssuedOut,
    KeyOut,
    RevocationIn,
    RevocationOut,
    Shape,
    StatusOut,
)
from gateway.control.clients import MAX_GRANTS, ClientGrants, IssuedCredential
from gateway.control.status import StatusReport
from gateway.core.access_log import AccessRecord
from gateway.core.grants import every_operation
from gateway.core.identity import Client, Role
from gateway.core.keyring import KeyAlgorithm, KeyState, KeyUse, StoredKey
from gateway.core.registry import Credential, Revocation, RevocationKind, StoredClient
from gateway.core.secret import Secret

NOW = datetime(2026, 11, 23, tzinfo=UTC)
KEY = StoredKey(
    kid="k",
    use=KeyUse.SIGNING,
    algorithm=KeyAlgorithm.ED25519,
    state=KeyState.ACTIVE,
    key_id=None,
    created_at=NOW,
    activated_at=NOW,
    retires_at=None,
    revoked_at=None,
    public=b"public half",
    wrapped_private=b"private half",
)


def test_no_shape_has_room_for_a_hash_or_a_key() -> None:
    """Of all shapes that go out, one shows a secret: that of a fresh credential."""
    outgoing = [value for name, value in vars(shapes).items() if name.endswith("Out")]
    assert len(outgoing) == 9
    members = {(shape.__name__, name) for shape in outgoing for name in shape.model_fields}
    telling = {pair for pair in members if any(word in pair[1] for word in ("secret", "hash"))}
    assert telling == {("IssuedOut", "client_secret")}
    assert not {"public", "wrapped_private"} & set(KeyOut.model_fields)


def test_every_shape_refuses_unknown_members() -> None:
    """A misspelt member is an error, never silently nothing."""
    for value in vars(shapes).values():
        if isinstance(value, type) and issubclass(value, Shape):
            assert value.model_config["extra"] == "forbid"
            assert value.model_config["frozen"] is True
    with pytest.raises(ValidationError):
        GrantsIn.model_validate({"model": ["tiny"]})


def test_left_out_grants_stay_left_out() -> None:
    """What the body leaves out is None, what it empties is empty."""
    assert GrantsIn().grants() == ClientGrants(None, None, None)
    assert GrantsIn(models=[], networks=[]).grants() == ClientGrants(frozenset(), (), None)
    given = GrantsIn.model_validate(
        {
            "models": ["b", "a", "b"],
            "networks": ["10.0.0.0/8", "::1/128"],
            "plaintext_allowed": True,
        }
    )
    networks = (ip_network("10.0.0.0/8"), ip_network("::1/128"))
    assert given.grants() == ClientGrants(
        every_operation({"a", "b"}), networks, plaintext_allowed=True
    )


@pytest.mark.parametrize(
    "body",
    [
        {"models": [""]},
        {"models": ["-x"]},
        {"models": ["a b"]},
        {"models": ["a\n"]},
        {"models": ["x" * 129]},
        {"models": ["m"] * (MAX_GRANTS + 1)},
        {"networks": ["10.0.0.1/8"]},
        {"networks": ["gateway.example"]},
        {"networks": ["10.0.0.0/8"] * (MAX_GRANTS + 1)},
        {"plaintext_allowed": "perhaps"},
    ],
)
def test_grants_that_mean_nothing_are_refused(body: dict[str, object]) -> None:
    """Names with other characters, networks with host bits and too many of either are refused."""
    with pytest.raises(ValidationError):
        GrantsIn.model_validate(body)


@pytest.mark.parametrize("subject", ["", "x" * 129])
def test_subject_has_a_length(subject: str) -> None:
    """What is withdrawn has a name of 1 to 128 characters."""
    with pytest.raises(ValidationError):
        RevocationIn(kind=RevocationKind.JTI, subject=subject)


def test_client_is_shown_in_order() -> None:
    """Models are sorted and networks are written as text."""
    client = Client("c", Role.DEVELOPER, every_operation({"b", "a"}), (ip_network("::1/128"),))
    shown = ClientOut.of(StoredClient(client, created_at=NOW, changed_at=NOW))
    assert (shown.models, shown.networks) == (["a", "b"], ["::1/128"])
    assert (shown.role, shown.disabled) == (Role.DEVELOPER, False)


def test_credential_is_shown_without_its_hash() -> None:
    """A stored credential is its names and times; a fresh one its secret, this once."""
    stored = CredentialOut.of(Credential("i", "c", "$argon2id$", NOW))
    assert "argon" not in stored.model_dump_json()
    issued = IssuedOut.of(IssuedCredential("c", "i", Secret("s")))
    assert issued.model_dump() == {"client_id": "c", "credential_id": "i", "client_secret": "s"}


def test_key_is_shown_without_its_bytes() -> None:
    """A key keeps its name, state and times, and loses both halves."""
    shown = KeyOut.of(KEY).model_dump_json()
    assert '"kid":"k"' in shown
    assert "half" not in shown


def test_revocation_and_record_are_shown_whole() -> None:
    """Both shapes hold what the stored value holds."""
    entry = RevocationOut.of(Revocation(RevocationKind.KID, "k", NOW, None))
    assert (entry.kind, entry.subject, entry.revoked_at, entry.expires_at) == (
        RevocationKind.KID, "k", NOW, None,
    )  # fmt: skip
    record = AccessRecordOut.of(AccessRecord(NOW, 200, ip_address("::1")))
    assert record.model_dump() == {"time": NOW, "status": 200, "ip": "::1"}


def test_status_shows_keys_in_their_shape() -> None:
    """Counts are as in the report, keys without their bytes."""
    counts = {RevocationKind.JTI: 2}
    report = StatusReport(
        revision=5, clients=3, clients_disabled=1, keys=(KEY,), revocations=counts
    )
    shown = StatusOut.of(report)
    assert (shown.revision, shown.clients, shown.clients_disabled) == (5, 3, 1)
    assert shown.revocations == counts
    assert shown.keys == [KeyOut.of(KEY)]
