"""The JSON shapes: unknown members refused, and no room for a hash or a key."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import ip_address

import pytest
from pydantic import ValidationError

from gateway.api.admin import client_shapes, shapes
from gateway.api.admin.client_shapes import GrantsIn
from gateway.api.admin.shapes import (
    AccessRecordOut,
    KeyOut,
    RevocationIn,
    RevocationOut,
    Shape,
    StatusOut,
)
from gateway.control.status import StatusReport
from gateway.core.access_log import AccessRecord
from gateway.core.keyring import KeyAlgorithm, KeyState, KeyUse, StoredKey
from gateway.core.registry import Revocation, RevocationKind

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
    found = {**vars(shapes), **vars(client_shapes)}
    outgoing = [value for name, value in found.items() if name.endswith("Out")]
    assert len(outgoing) >= 10
    members = {(shape.__name__, name) for shape in outgoing for name in shape.model_fields}
    telling = {pair for pair in members if any(word in pair[1] for word in ("secret", "hash"))}
    assert telling == {("IssuedOut", "client_secret")}
    assert not {"public", "wrapped_private"} & set(KeyOut.model_fields)


def test_every_shape_refuses_unknown_members() -> None:
    """A misspelt member is an error, never silently nothing."""
    for value in [*vars(shapes).values(), *vars(client_shapes).values()]:
        if isinstance(value, type) and issubclass(value, Shape):
            assert value.model_config["extra"] == "forbid"
            assert value.model_config["frozen"] is True
    with pytest.raises(ValidationError):
        GrantsIn.model_validate({"model": ["tiny"]})


@pytest.mark.parametrize("subject", ["", "x" * 129])
def test_subject_has_a_length(subject: str) -> None:
    """What is withdrawn has a name of 1 to 128 characters."""
    with pytest.raises(ValidationError):
        RevocationIn(kind=RevocationKind.JTI, subject=subject)


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
        revision=5,
        clients=3,
        clients_disabled=1,
        keys=(KEY,),
        revocations=counts,
        backends=(),
    )
    shown = StatusOut.of(report)
    assert (shown.revision, shown.clients, shown.clients_disabled) == (5, 3, 1)
    assert shown.revocations == counts
    assert shown.keys == [KeyOut.of(KEY)]
