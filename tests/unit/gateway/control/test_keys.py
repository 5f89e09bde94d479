"""Keys: overlap, destruction, revocation, and one new key for two rotations at once."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.backends.database.store import DatabaseStore
from gateway.backends.database.upgrade import upgrade
from gateway.control.keys import KeyRules
from gateway.control.room import ControlRoom
from gateway.core.errors import Conflict, NotFound, PermissionDenied
from gateway.core.identity import Role
from gateway.core.keyring import KeyState, KeyUse
from tests.fakes.control import LOCAL, FakeClock, make_room, make_wrap, principal


async def states(room: ControlRoom, use: KeyUse) -> list[KeyState]:
    """Return the states of the keys of *use*, oldest first."""
    return [key.state for key in await room.keys.list_all(LOCAL) if key.use is use]


async def test_first_keys_are_made_once(room: ControlRoom) -> None:
    """One active key of each use exists, however often it is asked for."""
    await room.keys.ensure_first()
    for use in KeyUse:
        assert await states(room, use) == [KeyState.ACTIVE]


async def test_rotation_overlaps_then_destroys(room: ControlRoom, clock: FakeClock) -> None:
    """The old key is accepted until its overlap ends, then its private half is gone."""
    (old_id,) = room.snapshots.current().recipient_keys
    old_list = room.snapshots.current().key_configurations
    (new,) = await room.keys.rotate(LOCAL, KeyUse.ENCRYPTION)
    snapshot = room.snapshots.current()
    assert set(snapshot.recipient_keys) == {old_id, new.key_id}
    assert snapshot.key_configurations != old_list
    assert len(snapshot.key_configurations) == len(old_list)
    clock.now += KeyRules().overlap[KeyUse.ENCRYPTION]
    await room.keys.maintain()
    assert set(room.snapshots.current().recipient_keys) == {new.key_id}
    old = (await room.keys.list_all(LOCAL))[1]
    assert (old.state, old.wrapped_private) == (KeyState.DESTROYED, None)


async def test_old_signing_key_verifies_until_its_tokens_end(
    room: ControlRoom, clock: FakeClock
) -> None:
    """A rotated signing key still verifies for an hour, and never signs again."""
    old = room.snapshots.signing_key().kid
    (new,) = await room.keys.rotate(LOCAL, KeyUse.SIGNING)
    assert room.snapshots.signing_key().kid == new.kid != old
    clock.advance(seconds=3600)
    await room.keys.maintain()
    await room.snapshots.check()
    assert set(room.snapshots.current().verification_keys) == {old, new.kid}
    clock.advance(seconds=61)
    await room.keys.maintain()
    assert set(room.snapshots.current().verification_keys) == {new.kid}


async def test_two_rotations_at_once_give_one_key(tmp_path: Path, clock: FakeClock) -> None:
    """Two processes that rotate the same key at the same time end with one new key."""
    url, wrap = f"sqlite+aiosqlite:///{tmp_path / 'store.db'}", make_wrap()
    await upgrade(url)
    one, two = (
        make_room(tmp_path, clock, store=DatabaseStore.open(url), key_wrap=wrap) for _ in range(2)
    )
    await one.keys.ensure_first()
    await two.snapshots.refresh()
    first, second = await asyncio.gather(
        one.keys.rotate(LOCAL, KeyUse.SIGNING), two.keys.rotate(LOCAL, KeyUse.SIGNING)
    )
    assert first == second
    assert await states(one, KeyUse.SIGNING) == [KeyState.RETIRING, KeyState.ACTIVE]
    await one.close()
    await two.close()


async def test_two_starts_at_once_make_one_set(tmp_path: Path, clock: FakeClock) -> None:
    """Two processes that start on an empty store make one set of keys."""
    url, wrap = f"sqlite+aiosqlite:///{tmp_path / 'store.db'}", make_wrap()
    await upgrade(url)
    rooms = [
        make_room(tmp_path, clock, store=DatabaseStore.open(url), key_wrap=wrap) for _ in range(2)
    ]
    await asyncio.gather(*(room.keys.ensure_first() for room in rooms))
    assert len(await rooms[0].keys.list_all(LOCAL)) == len(KeyUse)
    for room in rooms:
        await room.close()


async def test_rotations_one_after_the_other_give_two(room: ControlRoom) -> None:
    """A rotation that begins after another ended is a rotation of its own; identifiers count up."""
    for expected in (1, 2):
        (key,) = await room.keys.rotate(LOCAL, KeyUse.ENCRYPTION)
        assert key.key_id == expected


async def test_revoked_key_is_gone_at_once_and_replaced(room: ControlRoom) -> None:
    """Revoking the active key leaves a new one active and nothing of the old."""
    old = room.snapshots.signing_key().kid
    for _ in range(2):
        key = await room.keys.revoke(LOCAL, old)
    assert (key.state, key.wrapped_private) == (KeyState.REVOKED, None)
    snapshot = room.snapshots.current()
    assert old not in snapshot.verification_keys
    assert old in snapshot.revocations.kids
    assert room.snapshots.signing_key().kid != old
    assert await states(room, KeyUse.SIGNING) == [KeyState.REVOKED, KeyState.ACTIVE]


async def test_destroyed_key_cannot_be_revoked(room: ControlRoom, clock: FakeClock) -> None:
    """There is nothing left of a destroyed key to revoke; an unknown one is not found."""
    old = room.snapshots.signing_key().kid
    await room.keys.rotate(LOCAL, KeyUse.SIGNING)
    clock.advance(hours=2)
    await room.keys.maintain()
    with pytest.raises(Conflict):
        await room.keys.revoke(LOCAL, old)
    with pytest.raises(NotFound):
        await room.keys.revoke(LOCAL, "unknown")


async def test_old_keys_rotate_by_themselves(room: ControlRoom, clock: FakeClock) -> None:
    """The background task rotates an encryption key that is a day old, and not before."""
    clock.now += timedelta(hours=23)
    await room.keys.maintain()
    assert await states(room, KeyUse.ENCRYPTION) == [KeyState.ACTIVE]
    clock.now += timedelta(hours=1)
    await room.keys.maintain()
    assert await states(room, KeyUse.ENCRYPTION) == [KeyState.RETIRING, KeyState.ACTIVE]


@pytest.mark.parametrize("role", [Role.APPLICATION, Role.AUDITOR, Role.OWNER, Role.DEVELOPER])
async def test_keys_are_for_operators(room: ControlRoom, role: Role) -> None:
    """No other role lists, rotates or revokes keys."""
    actor = principal(role)
    with pytest.raises(PermissionDenied):
        await room.keys.list_all(actor)
    with pytest.raises(PermissionDenied):
        await room.keys.rotate(actor, KeyUse.SIGNING)
    with pytest.raises(PermissionDenied):
        await room.keys.revoke(actor, room.snapshots.signing_key().kid)
    with pytest.raises(PermissionDenied):
        await room.keys.withdraw(actor, room.snapshots.signing_key().kid)
