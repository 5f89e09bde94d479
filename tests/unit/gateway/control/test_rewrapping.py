"""All keys are wrapped anew or none, and nobody notices but the audit trail."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.backends.database.store import DatabaseStore
from gateway.backends.memory import MemoryStore
from gateway.control.room import ControlRoom
from gateway.core.access_log import AccessRecord
from gateway.core.errors import (
    Conflict,
    KeyServiceUnavailable,
    PermissionDenied,
    StoreUnavailable,
)
from gateway.core.identity import Role
from gateway.core.keyring import USABLE, KeyUse
from gateway.core.ports import ControlStore
from gateway.core.secret import Secret
from tests.fakes.control import (
    LOCAL,
    LOOPBACK,
    FakeClock,
    LosableKeyWrap,
    make_room,
    open_log,
    principal,
    write_log,
)
from tests.fakes.database import make_database


async def make(
    directory: Path, wrap: LosableKeyWrap, store: ControlStore | None = None
) -> ControlRoom:
    """Return a room with its first keys."""
    room = make_room(directory, FakeClock(), store=store, key_wrap=wrap)
    await room.keys.ensure_first()
    return room


async def wrapped(room: ControlRoom) -> dict[str, bytes | None]:
    """Return the wrapped private half of each key."""
    return {key.kid: key.wrapped_private for key in (await room.store.load()).keys}


async def test_old_wrapping_key_is_not_needed_any_more(tmp_path: Path) -> None:
    """After it every key opens under the new key alone, and it is the same key."""
    wrap, store = LosableKeyWrap(), MemoryStore()
    room = await make(tmp_path, wrap, store)
    await room.keys.rotate(LOCAL, KeyUse.ENCRYPTION)
    snapshot, old = room.snapshots.current(), await wrapped(room)
    wrap.rotate()
    done = await room.rewrapping.rewrap(LOCAL)
    wrap.forget_old()
    new = await wrapped(room)
    assert {key.kid for key in done} == old.keys() == new.keys()
    assert not set(old.values()) & set(new.values())
    assert room.snapshots.current().key_configurations == snapshot.key_configurations
    await room.close()
    again = make_room(tmp_path, FakeClock(), store=store, key_wrap=wrap)
    await again.snapshots.refresh()
    assert again.snapshots.current().recipient_kids == snapshot.recipient_kids
    await again.close()


async def test_keys_of_the_access_log_are_among_them(tmp_path: Path) -> None:
    """The access log opens under the new wrapping key alone, too."""
    wrap = LosableKeyWrap()
    room = await make(tmp_path, wrap)
    log = open_log(tmp_path / "access", wrap)
    await write_log(log, AccessRecord(room.clock(), 200, LOOPBACK))
    wrap.rotate()
    await room.rewrapping.rewrap(LOCAL)
    wrap.forget_old()
    assert {report.records for report in await log.verify()} == {1}
    await room.close()


async def test_withdrawn_keys_stay_gone(tmp_path: Path) -> None:
    """A revoked key has no private half afterwards either, and no state changes."""
    room = await make(tmp_path, LosableKeyWrap())
    first = (await room.keys.list_all(LOCAL))[0]
    await room.keys.revoke(LOCAL, first.kid)
    states = {key.kid: key.state for key in await room.keys.list_all(LOCAL)}
    done = await room.rewrapping.rewrap(LOCAL)
    assert {key.kid: key.state for key in await room.keys.list_all(LOCAL)} == states
    assert {key.kid for key in done} == {kid for kid, state in states.items() if state in USABLE}
    assert (await wrapped(room))[first.kid] is None
    await room.close()


async def test_one_row_of_the_audit_trail(tmp_path: Path) -> None:
    """It is an act like any other: one row, with how many keys."""
    room = await make(tmp_path, LosableKeyWrap())
    before = (await room.store.audit_head()).number
    await room.rewrapping.rewrap(LOCAL)
    (row,) = await room.store.list_audit(after=before, limit=9)
    assert (row.entry.action, row.entry.actor) == ("key.rewrap", "local")
    assert row.entry.detail == f"{len(await wrapped(room))} keys"
    await room.close()


async def test_who_may(tmp_path: Path) -> None:
    """Whoever may not write keys is refused before anything is opened, with a row that says so."""
    wrap = LosableKeyWrap()
    room = await make(tmp_path, wrap)
    before, wraps = await wrapped(room), wrap.wraps
    for role in (Role.AUDITOR, Role.OWNER, Role.APPLICATION):
        with pytest.raises(PermissionDenied):
            await room.rewrapping.rewrap(principal(role))
    assert (await wrapped(room), wrap.wraps) == (before, wraps)
    rows = await room.store.list_audit(after=0, limit=99)
    assert [row.entry.outcome for row in rows[-3:]] == ["refused"] * 3
    await room.close()


@pytest.mark.parametrize("after", [0, 1, 3])
async def test_service_that_goes_away_changes_nothing(tmp_path: Path, after: int) -> None:
    """However far it got: the store is as it was, and the same call succeeds later."""

    class Failing(LosableKeyWrap):
        left: int | None = None

        async def wrap(self, private: Secret[bytes], *, kid: str) -> bytes:
            if self.left is not None:
                self.left -= 1
                if self.left < 0:
                    raise KeyServiceUnavailable
            return await super().wrap(private, kid=kid)

    wrap = Failing()
    room = await make(tmp_path, wrap)
    before = await room.store.load()
    wrap.left = after
    with pytest.raises(KeyServiceUnavailable):
        await room.rewrapping.rewrap(LOCAL)
    assert await room.store.load() == before
    wrap.left = None
    assert await room.rewrapping.rewrap(LOCAL)
    await room.close()


async def test_new_value_is_tried_before_the_old_one_goes(tmp_path: Path) -> None:
    """A wrap that gives back something else costs no key."""

    class Lying(LosableKeyWrap):
        lies = False

        async def wrap(self, private: Secret[bytes], *, kid: str) -> bytes:
            return await super().wrap(Secret(bytes(32)) if self.lies else private, kid=kid)

    wrap = Lying()
    room = await make(tmp_path, wrap)
    before, wrap.lies = await wrapped(room), True
    with pytest.raises(StoreUnavailable, match="another"):
        await room.rewrapping.rewrap(LOCAL)
    assert await wrapped(room) == before
    await room.close()


async def test_two_at_once_and_a_rotation(tmp_path: Path) -> None:
    """Whatever runs at the same time: every usable key opens afterwards."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'store.db'}"
    make_database(url)
    wrap = LosableKeyWrap()
    one, two = [await make(tmp_path, wrap, DatabaseStore.open(url)) for _ in range(2)]
    wrap.rotate()
    await asyncio.gather(
        one.rewrapping.rewrap(LOCAL),
        two.rewrapping.rewrap(LOCAL),
        one.keys.rotate(LOCAL, KeyUse.ENCRYPTION),
        two.keys.rotate(LOCAL, KeyUse.SIGNING),
    )
    wrap.forget_old()
    for key in (await one.store.load()).keys:
        assert key.wrapped_private is not None
        await wrap.unwrap(key.wrapped_private, kid=key.kid)
    await one.close()
    await two.close()


async def test_keys_that_never_stand_still(tmp_path: Path) -> None:
    """When each attempt meets other keys, it is given up and nothing was changed."""

    class Restless(MemoryStore):
        async def load(self):
            state = await super().load()
            keys = [replace(key, wrapped_private=b"\x01" + bytes(40)) for key in state.keys]
            return replace(state, keys=tuple(keys)) if self.is_restless else state

        is_restless = False

    class Agreeable(LosableKeyWrap):
        async def unwrap(self, wrapped: bytes, *, kid: str) -> Secret[bytes]:
            return Secret(bytes(32))

    store = Restless()
    await (await make(tmp_path, LosableKeyWrap(), store)).close()
    room = make_room(tmp_path, FakeClock(), store=store, key_wrap=Agreeable())
    before = await store.load()
    store.is_restless = True
    with pytest.raises(Conflict):
        await room.rewrapping.rewrap(LOCAL)
    store.is_restless = False
    assert await store.load() == before
    await room.close()
