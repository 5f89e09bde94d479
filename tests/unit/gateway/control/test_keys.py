"""Keys: pending first, overlap, destruction, revocation, one set for two rotations at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.backends.database.store import DatabaseStore
from gateway.backends.memory import MemoryStore
from gateway.control.key_material import ALGORITHMS
from gateway.control.key_rules import KeyRules
from gateway.control.room import ControlRoom
from gateway.core import hpke
from gateway.core.errors import Conflict, KeyServiceUnavailable, NotFound, PermissionDenied
from gateway.core.identity import Role
from gateway.core.keyring import KeyAlgorithm, KeyState, KeyUse, StoredKey
from gateway.core.ohttp_keys import parse_key_list
from gateway.core.secret import Secret
from gateway.core.tokens import verify_access_token
from tests.fakes.control import (
    LOCAL,
    FakeClock,
    LosableKeyWrap,
    make_room,
    make_wrap,
    principal,
    token_of,
)
from tests.fakes.database import make_database
from tests.fakes.waiting import until

RULES = KeyRules()
ACTIVE, PENDING, RETIRING = KeyState.ACTIVE, KeyState.PENDING, KeyState.RETIRING


async def states(room: ControlRoom, use: KeyUse) -> list[KeyState]:
    """Return the states of the keys of *use*, oldest first."""
    return [key.state for key in await room.keys.list_all(LOCAL) if key.use is use]


async def seq(room: ControlRoom) -> int:
    """Return the number of the key document."""
    return (await room.store.load()).document_seq


def offered(room: ControlRoom) -> list[int]:
    """Return the identifiers in the published key list, in its order."""
    return [config.key_id for config in parse_key_list(room.snapshots.current().key_configurations)]


async def rotate_encryption(room: ControlRoom, clock: FakeClock) -> list[StoredKey]:
    """Rotate and let the new keys become active; return them."""
    pending = await room.keys.rotate(LOCAL, KeyUse.ENCRYPTION)
    clock.now += RULES.publish_after[KeyUse.ENCRYPTION]
    await room.snapshots.check()
    await room.keys.activate_due()
    kids = {key.kid for key in pending}
    return [key for key in await room.keys.list_all(LOCAL) if key.kid in kids]


@asynccontextmanager
async def two_processes(
    tmp_path: Path, clock: FakeClock
) -> AsyncIterator[tuple[ControlRoom, ControlRoom]]:
    """Give two rooms over one database."""
    url, wrap = f"sqlite+aiosqlite:///{tmp_path / 'store.db'}", make_wrap()
    make_database(url)
    one, two = (
        make_room(tmp_path, clock, store=DatabaseStore.open(url), key_wrap=wrap) for _ in range(2)
    )
    yield one, two
    await one.close()
    await two.close()


async def test_first_keys_are_made_once(room: ControlRoom) -> None:
    """One active key of each algorithm of each use exists, however often it is asked for."""
    await room.keys.ensure_first()
    for use in KeyUse:
        assert await states(room, use) == [ACTIVE] * len(ALGORITHMS[use])


async def test_simple_clients_are_offered_x25519_first(room: ControlRoom) -> None:
    """The key list names X25519 first and X-Wing second, also after X25519 alone was replaced."""
    kems = [hpke.KEM_X25519, hpke.KEM_XWING]
    key_list = parse_key_list(room.snapshots.current().key_configurations)
    assert [config.kem_id for config in key_list] == kems
    kid = room.snapshots.current().recipient_kids[key_list[0].key_id]
    await room.keys.revoke(LOCAL, kid)
    key_list = parse_key_list(room.snapshots.current().key_configurations)
    assert [config.kem_id for config in key_list] == kems


async def test_pending_keys_open_before_they_are_published(
    room: ControlRoom, clock: FakeClock
) -> None:
    """New keys can open at once, are published after the interval, and the old ones then retire."""
    assert offered(room) == [0, 1]
    pending = await room.keys.rotate(LOCAL, KeyUse.ENCRYPTION)
    assert [(key.state, key.key_id) for key in pending] == [(PENDING, 2), (PENDING, 3)]
    assert {key.activates_at for key in pending} == {
        clock.now + RULES.publish_after[KeyUse.ENCRYPTION]
    }
    assert set(room.snapshots.current().recipient_keys) == {0, 1, 2, 3}
    await room.keys.activate_due()
    assert offered(room) == [0, 1]
    clock.now += RULES.publish_after[KeyUse.ENCRYPTION]
    await room.snapshots.check()
    await room.keys.activate_due()
    await room.keys.activate_due()
    assert offered(room) == [2, 3]
    assert set(room.snapshots.current().recipient_keys) == {0, 1, 2, 3}
    assert await states(room, KeyUse.ENCRYPTION) == [RETIRING, RETIRING, ACTIVE, ACTIVE]


async def test_other_process_opens_before_publication(tmp_path: Path, clock: FakeClock) -> None:
    """What one process publishes, the other one can open already."""
    async with two_processes(tmp_path, clock) as (one, two):
        await one.keys.ensure_first()
        await one.keys.rotate(LOCAL, KeyUse.ENCRYPTION)
        await two.snapshots.check()
        clock.now += RULES.publish_after[KeyUse.ENCRYPTION]
        await one.snapshots.check()
        await asyncio.gather(one.keys.activate_due(), two.keys.activate_due())
        assert set(offered(one)) <= set(two.snapshots.current().recipient_keys)
        assert await states(one, KeyUse.ENCRYPTION) == [RETIRING, RETIRING, ACTIVE, ACTIVE]


async def test_started_gateway_activates_by_itself(tmp_path: Path) -> None:
    """The background task publishes a pending key without anybody asking."""
    clock = FakeClock()
    room = make_room(tmp_path, clock)
    await room.start()
    await room.keys.rotate(LOCAL, KeyUse.ENCRYPTION)
    clock.now += RULES.publish_after[KeyUse.ENCRYPTION]
    await until(lambda: offered(room) == [2, 3])
    await room.close()


async def test_rotation_overlaps_then_destroys(room: ControlRoom, clock: FakeClock) -> None:
    """The old keys are accepted until their overlap ends, then their private halves are gone."""
    fresh = await rotate_encryption(room, clock)
    clock.now += RULES.overlap[KeyUse.ENCRYPTION]
    await room.keys.maintain()
    assert set(room.snapshots.current().recipient_keys) == {key.key_id for key in fresh}
    assert not {0, 1} & set(room.snapshots.current().recipient_kids)
    gone = [k for k in await room.keys.list_all(LOCAL) if k.state is KeyState.DESTROYED]
    assert [key.wrapped_private for key in gone] == [None, None]
    assert not {key.kid for key in gone} & room.snapshots._recipient_keys.keys()


def published(room: ControlRoom) -> list[str]:
    """Return the names of the keys in the JWK set."""
    return [key["kid"] for key in room.snapshots.jwks()]


async def take_into_use(room: ControlRoom, clock: FakeClock, use: KeyUse) -> None:
    """Let the pending keys of *use* become active."""
    clock.now += RULES.publish_after[use]
    await room.snapshots.check()
    await room.keys.activate_due()


async def test_signing_key_is_published_before_it_signs(
    room: ControlRoom, clock: FakeClock
) -> None:
    """A rotated signing key is in the JWK set at once and signs only when its time has come."""
    old = room.snapshots.signing_key().kid
    assert published(room) == [old]
    (new,) = await room.keys.rotate(LOCAL, KeyUse.SIGNING)
    assert new.state is PENDING
    assert published(room) == [old, new.kid]
    assert room.snapshots.signing_key().kid == old
    clock.now += RULES.publish_after[KeyUse.SIGNING] - timedelta(seconds=1)
    await room.snapshots.check()
    await room.keys.activate_due()
    assert room.snapshots.signing_key().kid == old
    clock.advance(seconds=1)
    await room.keys.activate_due()
    assert room.snapshots.signing_key().kid == new.kid
    assert published(room) == [old, new.kid]


async def test_old_signing_key_verifies_until_its_tokens_end(
    room: ControlRoom, clock: FakeClock
) -> None:
    """A rotated signing key still verifies for an hour, and never signs again."""
    old = room.snapshots.signing_key().kid
    (new,) = await room.keys.rotate(LOCAL, KeyUse.SIGNING)
    await take_into_use(room, clock, KeyUse.SIGNING)
    assert room.snapshots.signing_key().kid == new.kid != old
    clock.advance(seconds=3600)
    await room.keys.maintain()
    await room.snapshots.check()
    assert set(room.snapshots.current().verification_keys) == {old, new.kid}
    clock.advance(seconds=61)
    await room.keys.maintain()
    assert set(room.snapshots.current().verification_keys) == {new.kid}


async def test_signing_keys_can_be_taken_into_use_at_once(tmp_path: Path, clock: FakeClock) -> None:
    """Where nobody else verifies tokens the time before use may be set to nothing."""
    rules = replace(RULES, publish_after={**RULES.publish_after, KeyUse.SIGNING: timedelta(0)})
    room = make_room(tmp_path, clock, keys=rules)
    await room.keys.ensure_first()
    (new,) = await room.keys.rotate(LOCAL, KeyUse.SIGNING)
    assert new.state is ACTIVE
    assert room.snapshots.signing_key().kid == new.kid


async def test_revoked_signing_key_is_replaced_at_once(room: ControlRoom) -> None:
    """In an emergency the pending key signs before its time; without one a fresh key does."""
    first = room.snapshots.signing_key().kid
    (pending,) = await room.keys.rotate(LOCAL, KeyUse.SIGNING)
    await room.keys.revoke(LOCAL, first)
    assert published(room) == [room.snapshots.signing_key().kid] == [pending.kid]
    await room.keys.revoke(LOCAL, pending.kid)
    assert published(room) == [room.snapshots.signing_key().kid] != [pending.kid]


@pytest.mark.parametrize("use", KeyUse)
async def test_two_rotations_at_once_give_one_set(
    tmp_path: Path, clock: FakeClock, use: KeyUse
) -> None:
    """Two processes that rotate the same keys at the same time end with one new set."""
    async with two_processes(tmp_path, clock) as (one, two):
        await one.keys.ensure_first()
        await two.snapshots.refresh()
        first, second = await asyncio.gather(
            one.keys.rotate(LOCAL, use), two.keys.rotate(LOCAL, use)
        )
        assert list(first) == list(second)
        assert len(await states(one, use)) == 2 * len(ALGORITHMS[use])


async def test_rotation_while_one_is_pending_is_the_same(room: ControlRoom) -> None:
    """Whoever rotates before the new keys are active gets those, and no third set."""
    first = await room.keys.rotate(LOCAL, KeyUse.ENCRYPTION)
    assert list(await room.keys.rotate(LOCAL, KeyUse.ENCRYPTION)) == list(first)


@pytest.mark.parametrize("revoked", [0, 1])
async def test_rotation_after_a_pending_key_was_revoked(
    room: ControlRoom, clock: FakeClock, revoked: int
) -> None:
    """A further rotation makes up for a pending key that was revoked, so all algorithms rotate."""
    first = await room.keys.rotate(LOCAL, KeyUse.ENCRYPTION)
    await room.keys.revoke(LOCAL, first[revoked].kid)
    second = await rotate_encryption(room, clock)
    assert {key.algorithm for key in second} == set(ALGORITHMS[KeyUse.ENCRYPTION])
    assert {key.state for key in second} == {ACTIVE}
    assert first[1 - revoked].kid in {key.kid for key in second}
    assert set(offered(room)) == {key.key_id for key in second}


async def test_two_starts_at_once_make_one_set(tmp_path: Path, clock: FakeClock) -> None:
    """Two processes that start on an empty store make one set of keys."""
    async with two_processes(tmp_path, clock) as rooms:
        await asyncio.gather(*(room.keys.ensure_first() for room in rooms))
        expected = sum(len(ALGORITHMS[use]) for use in KeyUse)
        assert len(await rooms[0].keys.list_all(LOCAL)) == expected


async def test_identifiers_are_sequential_across_both_mechanisms(
    room: ControlRoom, clock: FakeClock
) -> None:
    """Identifiers count on and none comes twice; all used up, a key can still be revoked."""
    used = [0, 1]
    for _ in range(127):
        used += [key.key_id for key in await rotate_encryption(room, clock) if key.key_id]
    assert used == list(range(256))
    with pytest.raises(Conflict):
        await room.keys.rotate(LOCAL, KeyUse.ENCRYPTION)
    await room.keys.revoke(LOCAL, room.snapshots.current().recipient_kids[255])
    assert offered(room) == [254]


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
    assert await states(room, KeyUse.SIGNING) == [KeyState.REVOKED, ACTIVE]


async def test_revocation_takes_a_pending_key_before_a_new_one(room: ControlRoom) -> None:
    """If the active key is revoked during a rotation, the pending one is published at once."""
    pending = await room.keys.rotate(LOCAL, KeyUse.ENCRYPTION)
    await room.keys.revoke(LOCAL, room.snapshots.current().recipient_kids[0])
    assert offered(room) == [pending[0].key_id, 1]
    await room.keys.revoke(LOCAL, pending[1].kid)
    assert offered(room) == [pending[0].key_id, 1]


@pytest.mark.parametrize("drain", [False, True])
async def test_streams_are_cut_unless_drained(room: ControlRoom, drain: bool) -> None:
    """Revocation tells to cut what runs under the key; with drain it refuses new requests only."""
    kid = room.snapshots.current().recipient_kids[0]
    await room.keys.revoke(LOCAL, kid, drain=drain)
    snapshot = room.snapshots.current()
    assert 0 not in snapshot.recipient_keys
    assert (kid in snapshot.cut_key_ids) is not drain


async def test_second_revocation_can_take_the_leave_back(room: ControlRoom) -> None:
    """A key revoked with drain is cut after all when revoked again without; never the reverse."""
    kid = room.snapshots.current().recipient_kids[0]
    await room.keys.withdraw(LOCAL, kid, drain=True)
    for drain in (False, True):
        await room.keys.revoke(LOCAL, kid, drain=drain)
        assert kid in room.snapshots.current().cut_key_ids


async def test_destroyed_key_cannot_be_revoked(room: ControlRoom, clock: FakeClock) -> None:
    """There is nothing left of a destroyed key to revoke; an unknown one is not found."""
    old = room.snapshots.signing_key().kid
    await room.keys.rotate(LOCAL, KeyUse.SIGNING)
    await take_into_use(room, clock, KeyUse.SIGNING)
    clock.advance(hours=2)
    await room.keys.maintain()
    with pytest.raises(Conflict):
        await room.keys.revoke(LOCAL, old)
    with pytest.raises(NotFound):
        await room.keys.revoke(LOCAL, "unknown")


async def test_old_keys_rotate_by_themselves(room: ControlRoom, clock: FakeClock) -> None:
    """The background task rotates encryption keys that are a day old, and not before."""
    clock.now += timedelta(hours=23)
    await room.keys.maintain()
    assert await states(room, KeyUse.ENCRYPTION) == [ACTIVE, ACTIVE]
    clock.now += timedelta(hours=1)
    for _ in range(2):
        await room.keys.maintain()
        assert await states(room, KeyUse.ENCRYPTION) == [ACTIVE, ACTIVE, PENDING, PENDING]


async def test_document_key_rotates_on_demand_only(room: ControlRoom, clock: FakeClock) -> None:
    """Clients pin the document key, so age alone never replaces it; the old one is soon gone."""
    pin = await room.keys.document_pin(LOCAL)
    clock.advance(days=400)
    await room.keys.maintain()
    assert await room.keys.document_pin(LOCAL) == pin
    (fresh,) = await room.keys.rotate(LOCAL, KeyUse.DOCUMENT)
    assert await room.keys.document_pin(LOCAL) == fresh.public != pin
    await room.keys.maintain()
    assert await states(room, KeyUse.DOCUMENT) == [KeyState.DESTROYED, ACTIVE]


async def test_no_pin_before_the_first_keys(tmp_path: Path, clock: FakeClock) -> None:
    """A store without keys has nothing to pin."""
    with pytest.raises(NotFound):
        await make_room(tmp_path, clock).keys.document_pin(LOCAL)


async def test_each_change_of_an_encryption_key_raises_the_number(
    room: ControlRoom, clock: FakeClock
) -> None:
    """Rotation, activation, destruction and revocation raise it; other uses leave it alone."""
    numbers = [await seq(room)]
    await room.keys.rotate(LOCAL, KeyUse.ENCRYPTION)
    numbers.append(await seq(room))
    clock.now += RULES.publish_after[KeyUse.ENCRYPTION]
    await room.snapshots.check()
    await room.keys.activate_due()
    numbers.append(await seq(room))
    clock.now += RULES.overlap[KeyUse.ENCRYPTION]
    await room.keys.maintain()
    numbers.append(await seq(room))
    await room.snapshots.check()
    kid = room.snapshots.current().recipient_kids[2]
    await room.keys.revoke(LOCAL, kid, drain=True)
    numbers.append(await seq(room))
    await room.keys.revoke(LOCAL, kid)
    numbers.append(await seq(room))
    assert numbers == sorted(set(numbers))
    await room.keys.revoke(LOCAL, kid)
    for use in (KeyUse.SIGNING, KeyUse.DOCUMENT):
        await room.keys.rotate(LOCAL, use)
    assert await seq(room) == numbers[-1]


async def test_number_survives_a_restart(tmp_path: Path, clock: FakeClock) -> None:
    """A process that starts later goes on from the number it finds."""
    async with two_processes(tmp_path, clock) as (one, two):
        await one.keys.ensure_first()
        before = await seq(one)
        await two.keys.ensure_first()
        assert await seq(two) == before
        await two.keys.rotate(LOCAL, KeyUse.ENCRYPTION)
        assert await seq(one) > before > 0


@pytest.mark.parametrize("role", [Role.APPLICATION, Role.AUDITOR, Role.OWNER, Role.DEVELOPER])
async def test_keys_are_for_operators(room: ControlRoom, role: Role) -> None:
    """No other role lists, rotates or revokes keys."""
    actor = principal(role)
    with pytest.raises(PermissionDenied):
        await room.keys.list_all(actor)
    with pytest.raises(PermissionDenied):
        await room.keys.document_pin(actor)
    with pytest.raises(PermissionDenied):
        await room.keys.rotate(actor, KeyUse.SIGNING)
    with pytest.raises(PermissionDenied):
        await room.keys.revoke(actor, room.snapshots.signing_key().kid)
    with pytest.raises(PermissionDenied):
        await room.keys.withdraw(actor, room.snapshots.signing_key().kid)


async def test_another_algorithm_takes_over(tmp_path: Path, clock: FakeClock) -> None:
    """After the setting was changed new tokens are ES256, and those signed before stay good."""
    store, wrap = MemoryStore(), make_wrap()
    before = make_room(tmp_path, clock, store=store, key_wrap=wrap)
    await before.keys.ensure_first()
    rules = KeyRules(signing_algorithm=KeyAlgorithm.P256)
    room = make_room(tmp_path, clock, store=store, key_wrap=wrap, keys=rules)
    await room.keys.ensure_first()
    tokens = [await token_of(room)]
    for _ in range(2):
        await room.keys.maintain()
    assert await states(room, KeyUse.SIGNING) == [ACTIVE, PENDING]
    clock.now += rules.publish_after[KeyUse.SIGNING]
    await room.snapshots.check()
    await room.keys.activate_due()
    assert await states(room, KeyUse.SIGNING) == [RETIRING, ACTIVE]
    tokens.append(await token_of(room))
    snapshot = room.snapshots.current()
    expected = room.tokens.rules.expectations
    kids = [
        verify_access_token(token, snapshot=snapshot, expectations=expected, now=clock()).kid
        for token in tokens
    ]
    assert [snapshot.verification_keys[kid].algorithm for kid in kids] == ["EdDSA", "ES256"]
    assert [jwk["alg"] for jwk in room.snapshots.jwks()] == ["EdDSA", "ES256"]
    await room.keys.revoke(LOCAL, kids[1])
    key = room.snapshots.current().verification_keys[room.snapshots.signing_key().kid]
    assert key.algorithm == "ES256"


@pytest.fixture
def wrap() -> LosableKeyWrap:
    """Return a key wrap that the test can take away."""
    return LosableKeyWrap()


@pytest.fixture
async def held(
    tmp_path: Path, clock: FakeClock, wrap: LosableKeyWrap
) -> AsyncIterator[ControlRoom]:
    """Give a room whose keys are in memory."""
    room = make_room(tmp_path, clock, key_wrap=wrap)
    await room.keys.ensure_first()
    yield room
    await room.close()


@pytest.mark.parametrize("use", list(KeyUse))
async def test_rotation_without_the_key_service_changes_nothing(
    held: ControlRoom, wrap: LosableKeyWrap, use: KeyUse
) -> None:
    """It is refused, store and snapshot stay, and the same call succeeds later."""
    before, wrap.lost = await held.store.load(), True
    with pytest.raises(KeyServiceUnavailable):
        await held.keys.rotate(LOCAL, use)
    assert await held.store.load() == before
    assert held.snapshots.current().revision == before.revision
    wrap.lost = False
    assert await held.keys.rotate(LOCAL, use)


@pytest.mark.parametrize("use", list(KeyUse))
async def test_stolen_key_is_revoked_without_the_key_service(
    held: ControlRoom, wrap: LosableKeyWrap, use: KeyUse
) -> None:
    """What cannot be replaced now is withdrawn all the same, and replaced once it can be."""
    key = next(key for key in await held.keys.list_all(LOCAL) if key.use is use)
    wrap.lost = True
    assert (await held.keys.revoke(LOCAL, key.kid)).state is KeyState.REVOKED
    assert key.kid not in held.snapshots.current().verification_keys
    with pytest.raises(KeyServiceUnavailable):
        await held.keys.maintain()
    wrap.lost = False
    await held.keys.maintain()
    after = [key for key in await held.keys.list_all(LOCAL) if key.use is use]
    active = {key.algorithm for key in after if key.state is ACTIVE}
    assert active == set(RULES.algorithms(use))


async def test_no_key_is_wrapped_inside_a_transaction(tmp_path: Path, clock: FakeClock) -> None:
    """A key service that takes its time does not hold the lock that sealed requests need."""

    class Watched(LosableKeyWrap):
        async def wrap(self, private: Secret[bytes], *, kid: str) -> bytes:
            async with asyncio.timeout(1), store.change():  # waits for ever inside of another
                return await super().wrap(private, kid=kid)

    store = MemoryStore()
    room = make_room(tmp_path, clock, store=store, key_wrap=Watched())
    await room.keys.ensure_first()
    for use in KeyUse:
        await room.keys.rotate(LOCAL, use)
        (active, *_) = (k for k in await room.keys.list_all(LOCAL) if k.use is use)
        await room.keys.revoke(LOCAL, active.kid)
    await room.close()
