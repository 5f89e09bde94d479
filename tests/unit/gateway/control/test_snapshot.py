"""The snapshot: what it holds, when it is new, and when it is no longer to be trusted."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest

from gateway.backends.database.store import DatabaseStore
from gateway.backends.memory import MemoryStore
from gateway.control.background import BackgroundTasks
from gateway.control.key_rules import KeyRules
from gateway.control.room import ControlRoom
from gateway.control.snapshot import WATCH_INTERVAL_SECONDS, Policies, SnapshotHolder
from gateway.core.errors import StoreUnavailable
from gateway.core.jws import Unreadable
from gateway.core.keyring import KeyState, KeyUse
from gateway.core.policy import ModelPolicy
from gateway.core.registry import RevocationKind
from tests.fakes.control import (
    LOCAL,
    POLICIES,
    FakeClock,
    LosableStore,
    make_room,
    make_wrap,
)
from tests.fakes.database import make_database
from tests.fakes.waiting import until


async def test_nothing_before_the_first_load(tmp_path: Path, clock: FakeClock) -> None:
    """Before the store was read there is no snapshot, no signing key and no key list."""
    room = make_room(tmp_path, clock)
    holder = room.snapshots
    for ask in (holder.current, holder.signing_key, holder.jwks, holder.dpop_nonces):
        with pytest.raises(StoreUnavailable):
            ask()


async def test_no_signing_key_is_an_error(tmp_path: Path, clock: FakeClock) -> None:
    """A store without keys gives a snapshot, and refuses to name a signing key."""
    room = make_room(tmp_path, clock)
    await room.snapshots.refresh()
    assert room.snapshots.current().key_configurations == b""
    with pytest.raises(StoreUnavailable):
        room.snapshots.signing_key()
    with pytest.raises(StoreUnavailable):
        room.snapshots.dpop_nonces()


async def test_every_process_has_the_same_nonces(tmp_path: Path, clock: FakeClock) -> None:
    """A nonce that one process issued is good in another, also after a rotation."""
    store, wrap = MemoryStore(), make_wrap()
    one, other = (make_room(tmp_path, clock, store=store, key_wrap=wrap) for _ in range(2))
    await one.keys.ensure_first()
    await other.snapshots.refresh()
    nonce = one.snapshots.dpop_nonces().issue(clock())
    assert other.snapshots.dpop_nonces().issue(clock()) == nonce
    await one.keys.rotate(LOCAL, KeyUse.SIGNING)
    assert one.snapshots.dpop_nonces().issue(clock()) == nonce
    clock.now += KeyRules().publish_after[KeyUse.SIGNING]
    await one.snapshots.check()
    nonce = one.snapshots.dpop_nonces().issue(clock())
    await one.keys.activate_due()
    assert one.snapshots.dpop_nonces().issue(clock()) != nonce
    one.snapshots.dpop_nonces().verify(nonce, clock())


async def test_every_process_has_the_same_pseudonyms(tmp_path: Path, clock: FakeClock) -> None:
    """Two processes derive the same keys, also after a restart; a rotation ends them at once."""
    store, wrap = MemoryStore(), make_wrap()
    one = make_room(tmp_path, clock, store=store, key_wrap=wrap)
    await one.keys.ensure_first()
    two = make_room(tmp_path, clock, store=store, key_wrap=wrap)
    await two.snapshots.refresh()

    def key(room: ControlRoom) -> bytes:
        keys = room.snapshots.current().conversation_keys
        assert keys is not None
        return keys.key("c", "talk").reveal()

    before = key(one)
    assert key(two) == before
    await one.keys.rotate(LOCAL, KeyUse.PSEUDONYM)
    assert key(one) != before
    await one.keys.maintain()
    states = [k.state for k in (await store.load()).keys if k.use is KeyUse.PSEUDONYM]
    assert states == [KeyState.DESTROYED, KeyState.ACTIVE]


async def test_nonces_end_with_their_key(room: ControlRoom, clock: FakeClock) -> None:
    """A nonce of a signing key that was withdrawn is no longer known."""
    nonce, kid = room.snapshots.dpop_nonces().issue(clock()), room.snapshots.signing_key().kid
    await room.keys.revoke(LOCAL, kid)
    with pytest.raises(Unreadable):
        room.snapshots.dpop_nonces().verify(nonce, clock())


async def test_lost_store_is_trusted_for_five_seconds(tmp_path: Path, clock: FakeClock) -> None:
    """The last snapshot counts for five seconds after the last good reading, then nothing does."""
    store = LosableStore()
    room = make_room(tmp_path, clock, store=store)
    await room.keys.ensure_first()
    store.lost = True
    clock.advance(seconds=5)
    with pytest.raises(StoreUnavailable):
        await room.snapshots.check()
    assert room.snapshots.current()
    clock.advance(seconds=0.1)
    with pytest.raises(StoreUnavailable):
        room.snapshots.current()
    store.lost = False
    await room.snapshots.check()
    assert room.snapshots.current()


async def test_check_of_before_a_change_renews_no_trust_after_it(
    tmp_path: Path, clock: FakeClock
) -> None:
    """A change of ours that could not be read back is not forgotten for a check under way."""
    store = LosableStore()
    room = make_room(tmp_path, clock, store=store)
    await room.keys.ensure_first()
    ask, asked, go_on = store.revision, asyncio.Event(), asyncio.Event()

    async def answer_late() -> int:
        revision = await ask()
        asked.set()
        await go_on.wait()
        return revision

    store.revision = answer_late  # type: ignore[method-assign]
    checking = asyncio.create_task(room.snapshots.check())
    await asked.wait()
    async with store.change():
        pass
    store.lost = True
    catching_up = asyncio.create_task(room.snapshots.catch_up())
    await asyncio.sleep(0)
    go_on.set()
    await asyncio.gather(checking, catching_up)
    with pytest.raises(StoreUnavailable):
        room.snapshots.current()


async def test_new_policies_are_in_all_snapshots_from_then_on(
    tmp_path: Path, clock: FakeClock
) -> None:
    """They come with a reading of the store, and without one those of before stay."""
    store = LosableStore()
    room = make_room(tmp_path, clock, store=store)
    await room.keys.ensure_first()
    other = Policies(models=MappingProxyType({"other": ModelPolicy()}))
    store.lost = True
    with pytest.raises(StoreUnavailable):
        await room.snapshots.refresh(other)
    store.lost = False
    await room.snapshots.refresh()
    assert room.snapshots.current().models == POLICIES.models
    await room.snapshots.refresh(other)
    await room.keys.rotate(LOCAL, KeyUse.SIGNING)
    assert room.snapshots.current().models == other.models


async def test_unchanged_store_is_not_read_again(room: ControlRoom, clock: FakeClock) -> None:
    """A check that finds the same revision keeps the very same snapshot, and renews its trust."""
    before = room.snapshots.current()
    clock.advance(seconds=4)
    await room.snapshots.check()
    clock.advance(seconds=4)
    assert room.snapshots.current() is before


async def test_other_process_counts_within_a_second(tmp_path: Path, clock: FakeClock) -> None:
    """A revocation through another connection is refused here; a look twice a second is enough."""
    assert WATCH_INTERVAL_SECONDS <= 0.5
    url, wrap = f"sqlite+aiosqlite:///{tmp_path / 'store.db'}", make_wrap()
    make_database(url)
    gateway, command = (
        make_room(tmp_path, clock, store=DatabaseStore.open(url), key_wrap=wrap) for _ in range(2)
    )
    await gateway.start()
    await command.revocations.revoke(LOCAL, RevocationKind.JTI, subject="stolen")
    await until(lambda: "stolen" in gateway.snapshots.current().revocations.jtis)
    await command.close()
    await gateway.close()


async def test_watch_survives_a_lost_store(tmp_path: Path, clock: FakeClock) -> None:
    """The watch goes on while the store is away, and picks up the change once it is back."""
    store = LosableStore()
    room = make_room(tmp_path, clock, store=store)
    await room.keys.ensure_first()
    background = BackgroundTasks()
    store.lost = True
    background.every(60, room.snapshots.watch)
    await asyncio.sleep(0.05)
    async with store.change():
        pass
    store.lost = False
    revision = await store.revision()
    await until(lambda: room.snapshots.current().revision == revision)
    await background.close()


async def test_watch_looks_when_it_is_told(clock: FakeClock) -> None:
    """A change counts when the store tells of one, long before the next look would be due."""
    store, told = MemoryStore(), asyncio.Event()

    async def pause(seconds: float) -> None:
        assert seconds == WATCH_INTERVAL_SECONDS
        await told.wait()
        told.clear()

    snapshots = SnapshotHolder(
        store, make_wrap(), policies=POLICIES, monotonic=clock.monotonic, pause=pause
    )
    await snapshots.refresh()
    watching = asyncio.create_task(snapshots.watch())
    for _ in range(2):
        async with store.change():
            pass
        told.set()
        revision = await store.revision()
        await until(lambda revision=revision: snapshots.current().revision == revision)
    watching.cancel()


async def test_usable_key_without_private_half_is_refused(room: ControlRoom) -> None:
    """A damaged store is an error, and the old snapshot stays."""
    before = room.snapshots.current()
    (key, *_) = await room.keys.list_all(LOCAL)
    async with room.store.change() as change:
        await change.save_key(replace(key, wrapped_private=None))
        await change.add_key(replace(key, kid="other", wrapped_private=None))
    with pytest.raises(StoreUnavailable):
        await room.snapshots.refresh()
    assert room.snapshots.current() is before


async def test_waiters_hear_of_the_next_change(room: ControlRoom) -> None:
    """A thousand waiters get the new snapshot when it is there, and nothing before."""
    revision = room.snapshots.current().revision
    waiters = [asyncio.create_task(room.snapshots.changed(revision)) for _ in range(1000)]
    await asyncio.sleep(0)
    await room.snapshots.refresh()
    await asyncio.sleep(0.01)
    assert not any(waiter.done() for waiter in waiters)
    kid = room.snapshots.current().recipient_kids[0]
    await room.keys.revoke(LOCAL, kid)
    found = await asyncio.wait_for(asyncio.gather(*waiters), 30)
    assert all(kid in snapshot.cut_key_ids for snapshot in found)
    newest = room.snapshots.current()
    assert await room.snapshots.changed(revision) is newest


async def test_waiting_begins_before_the_first_snapshot(tmp_path: Path, clock: FakeClock) -> None:
    """Whoever waits before anything was loaded gets the first snapshot."""
    room = make_room(tmp_path, clock)
    assert room.snapshots.next_activation() is None
    waiter = asyncio.create_task(room.snapshots.changed(-1))
    await asyncio.sleep(0)
    await room.keys.ensure_first()
    assert (await asyncio.wait_for(waiter, 30)).recipient_keys


async def test_other_process_wakes_waiters(tmp_path: Path, clock: FakeClock) -> None:
    """A revocation through another connection reaches a running stream."""
    url, wrap = f"sqlite+aiosqlite:///{tmp_path / 'store.db'}", make_wrap()
    make_database(url)
    gateway, command = (
        make_room(tmp_path, clock, store=DatabaseStore.open(url), key_wrap=wrap) for _ in range(2)
    )
    await gateway.start()
    snapshot = gateway.snapshots.current()
    await command.keys.revoke(LOCAL, snapshot.recipient_kids[0])
    newer = await asyncio.wait_for(gateway.snapshots.changed(snapshot.revision), 30)
    assert snapshot.recipient_kids[0] in newer.cut_key_ids
    await command.close()
    await gateway.close()


async def test_public_keys_are_shown_as_jwks(room: ControlRoom) -> None:
    """The key list holds active and retiring signing keys, and no private member."""
    await room.keys.rotate(LOCAL, KeyUse.SIGNING)
    jwks = room.snapshots.jwks()
    assert {key["kid"] for key in jwks} == set(room.snapshots.current().verification_keys)
    assert {frozenset(key) for key in jwks} == {frozenset({"kty", "crv", "x", "kid", "use", "alg"})}
