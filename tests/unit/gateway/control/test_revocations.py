"""Revocations: what each kind refuses, who may make one, and when it is forgotten."""

from __future__ import annotations

import pytest

from gateway.control.actors import STAFF_ROLES
from gateway.control.room import ControlRoom
from gateway.core.errors import InvalidToken, MalformedRequest, NotFound, PermissionDenied
from gateway.core.identity import Role
from gateway.core.registry import RevocationKind
from gateway.core.tokens import verify_access_token
from tests.fakes.control import GRANTS, LOCAL, FakeClock, principal, proof


async def test_each_kind_is_in_the_snapshot_at_once(room: ControlRoom) -> None:
    """A token, a client and a key are withdrawn before revoke() returns."""
    issued = await room.clients.create(LOCAL, GRANTS)
    kid = room.snapshots.signing_key().kid
    await room.revocations.revoke(LOCAL, RevocationKind.JTI, subject="j")
    await room.revocations.revoke(LOCAL, RevocationKind.CLIENT_ID, subject=issued.client_id)
    await room.revocations.revoke(LOCAL, RevocationKind.KID, subject=kid)
    revocations = room.snapshots.current().revocations
    assert revocations.jtis == {"j"}
    assert revocations.clients[issued.client_id] >= room.clock()
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
    await room.snapshots.check()
    assert room.snapshots.current().revocations.jtis == frozenset()
    assert [r.subject for r in await room.revocations.list_page(LOCAL)] == [kid]


@pytest.mark.parametrize("role", [Role.APPLICATION, Role.AUDITOR, Role.OWNER, Role.DEVELOPER])
async def test_revocations_are_for_operators(room: ControlRoom, role: Role) -> None:
    """No other role makes or lists revocations."""
    with pytest.raises(PermissionDenied):
        await room.revocations.revoke(principal(role), RevocationKind.JTI, subject="j")
    with pytest.raises(PermissionDenied):
        await room.revocations.list_page(principal(role))


@pytest.mark.parametrize("role", sorted(STAFF_ROLES))
async def test_operator_cannot_revoke_staff(room: ControlRoom, role: Role) -> None:
    """An operator withdraws no tokens of a staff client; the local operator does."""
    name = (await room.clients.create(LOCAL, GRANTS, role=role)).client_id
    with pytest.raises(PermissionDenied):
        await room.revocations.revoke(
            principal(Role.OPERATOR), RevocationKind.CLIENT_ID, subject=name
        )
    assert room.snapshots.current().revocations.clients == {}
    assert await room.revocations.revoke(LOCAL, RevocationKind.CLIENT_ID, subject=name)


async def test_operator_revokes_applications(room: ControlRoom) -> None:
    """An operator withdraws the tokens of an application."""
    name = (await room.clients.create(LOCAL, GRANTS)).client_id
    await room.revocations.revoke(principal(Role.OPERATOR), RevocationKind.CLIENT_ID, subject=name)
    assert name in room.snapshots.current().revocations.clients


@pytest.mark.parametrize("seconds", [0, 1, 25, 29.9])
async def test_clock_put_back_saves_no_token(
    room: ControlRoom, clock: FakeClock, seconds: float
) -> None:
    """A token issued before the clock was put back dies with its client's other tokens."""
    issued = await room.clients.create(LOCAL, GRANTS)
    token = (await room.tokens.issue(proof(issued))).token.reveal()
    clock.advance(seconds=-seconds)
    await room.snapshots.check()
    verify(room, token)
    await room.revocations.revoke(LOCAL, RevocationKind.CLIENT_ID, subject=issued.client_id)
    for _ in range(3):
        with pytest.raises(InvalidToken):
            verify(room, token)
        clock.advance(seconds=30)
        await room.snapshots.check()


async def test_revoked_client_waits_for_the_next_second(
    room: ControlRoom, clock: FakeClock
) -> None:
    """One second after a revocation the client gets a good token, and so on through the leeway."""
    issued = await room.clients.create(LOCAL, GRANTS)
    await room.revocations.revoke(LOCAL, RevocationKind.CLIENT_ID, subject=issued.client_id)
    for _ in range(70):
        clock.advance(seconds=1)
        await room.snapshots.check()
        verify(room, (await room.tokens.issue(proof(issued))).token.reveal())


async def test_second_revocation_reaches_every_token(room: ControlRoom, clock: FakeClock) -> None:
    """Whenever a token was issued after a first revocation, a second one ends it."""
    issued = await room.clients.create(LOCAL, GRANTS)
    for _ in range(30):
        await room.revocations.revoke(LOCAL, RevocationKind.CLIENT_ID, subject=issued.client_id)
        clock.advance(seconds=0.7)
        token = (await room.tokens.issue(proof(issued))).token.reveal()
        await room.revocations.revoke(LOCAL, RevocationKind.CLIENT_ID, subject=issued.client_id)
        with pytest.raises(InvalidToken):
            verify(room, token)
        clock.advance(seconds=2.9)
        with pytest.raises(InvalidToken):
            verify(room, token)
        await room.snapshots.check()


def verify(room: ControlRoom, token: str) -> None:
    """Verify *token* as the data plane does."""
    verify_access_token(
        token,
        snapshot=room.snapshots.current(),
        expectations=room.tokens.rules.expectations,
        now=room.clock(),
    )
