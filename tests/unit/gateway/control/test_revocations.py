"""Revocations: what each kind refuses, who may make one, and when it is forgotten."""

from __future__ import annotations

import pytest

from gateway.control.room import ControlRoom
from gateway.core.errors import MalformedRequest, NotFound, PermissionDenied
from gateway.core.identity import Role
from gateway.core.registry import RevocationKind
from tests.fakes.control import GRANTS, LOCAL, FakeClock, principal


async def test_each_kind_is_in_the_snapshot_at_once(room: ControlRoom) -> None:
    """A token, a client and a key are withdrawn before revoke() returns."""
    issued = await room.clients.create(LOCAL, GRANTS)
    kid = room.snapshots.signing_key().kid
    await room.revocations.revoke(LOCAL, RevocationKind.JTI, subject="j")
    await room.revocations.revoke(LOCAL, RevocationKind.CLIENT_ID, subject=issued.client_id)
    await room.revocations.revoke(LOCAL, RevocationKind.KID, subject=kid)
    revocations = room.snapshots.current().revocations
    assert revocations.jtis == {"j"}
    assert revocations.not_before == {issued.client_id: room.clock()}
    assert revocations.kids == {kid}
    assert kid not in room.snapshots.current().verification_keys


@pytest.mark.parametrize("kind", [RevocationKind.CLIENT_ID, RevocationKind.KID])
async def test_unknown_subject_is_not_found(room: ControlRoom, kind: RevocationKind) -> None:
    """A client or key that does not exist cannot be revoked: a typing error must not look done."""
    with pytest.raises(NotFound):
        await room.revocations.revoke(LOCAL, kind, subject="unknown")


@pytest.mark.parametrize("subject", ["", "x" * 129])
async def test_token_identifier_is_limited(room: ControlRoom, subject: str) -> None:
    """A token identifier has between 1 and 128 characters."""
    with pytest.raises(MalformedRequest):
        await room.revocations.revoke(LOCAL, RevocationKind.JTI, subject=subject)


async def test_expired_entries_are_forgotten(room: ControlRoom, clock: FakeClock) -> None:
    """An entry goes once every token it could refuse has expired; a key's entry stays for good."""
    await room.revocations.revoke(LOCAL, RevocationKind.JTI, subject="j")
    kid = room.snapshots.signing_key().kid
    await room.revocations.revoke(LOCAL, RevocationKind.KID, subject=kid)
    clock.advance(seconds=3659)
    assert await room.revocations.forget_expired() == 0
    clock.advance(seconds=1)
    assert await room.revocations.forget_expired() == 1
    assert room.snapshots.current().revocations.jtis == frozenset()
    assert [r.subject for r in await room.revocations.list_page(LOCAL)] == [kid]


@pytest.mark.parametrize("role", [Role.APPLICATION, Role.AUDITOR, Role.OWNER, Role.DEVELOPER])
async def test_revocations_are_for_operators(room: ControlRoom, role: Role) -> None:
    """No other role makes or lists revocations."""
    with pytest.raises(PermissionDenied):
        await room.revocations.revoke(principal(role), RevocationKind.JTI, subject="j")
    with pytest.raises(PermissionDenied):
        await room.revocations.list_page(principal(role))
