"""The control room: one start makes it ready, one close ends all of it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.backends.memory import MemoryStore
from gateway.core.errors import StoreUnavailable, WrappingTokenRefused
from gateway.core.secret import Secret
from tests.fakes.control import GRANTS, LOCAL, FakeClock, LosableKeyWrap, make_room


async def test_start_and_close(tmp_path: Path, clock: FakeClock) -> None:
    """After start there are keys and a snapshot; after close no task is left."""
    room = make_room(tmp_path, clock)
    before = asyncio.all_tasks()
    await room.start()
    assert room.snapshots.signing_key()
    await asyncio.sleep(0.05)
    assert len(asyncio.all_tasks()) > len(before)
    await room.close()
    assert asyncio.all_tasks() == before


async def test_scheduled_reclaim(tmp_path: Path, clock: FakeClock) -> None:
    """With a number of days a running gateway withholds what was idle for as long, by itself."""
    room = make_room(tmp_path, clock, reclaim_idle_days=7)
    issued = await room.clients.create(LOCAL, GRANTS)
    clock.advance(days=7)
    await room.start()
    for _ in range(600):
        stored = await room.store.find_client(issued.client_id)
        assert stored is not None
        if stored.client.withheld:
            break
        await asyncio.sleep(0.05)
    await room.close()
    assert "models:call" in stored.client.withheld


async def test_start_while_the_key_service_is_away(tmp_path: Path, clock: FakeClock) -> None:
    """The room starts, there is nothing to trust, and it is whole once the service answers."""
    wrap, store = LosableKeyWrap(), MemoryStore()
    first = make_room(tmp_path, clock, store=store, key_wrap=wrap)
    await first.keys.ensure_first()
    keys = (await store.load()).keys
    await first.close()
    wrap.lost = True
    room = make_room(tmp_path, clock, store=store, key_wrap=wrap)
    await room.start()
    await asyncio.sleep(0.05)
    with pytest.raises(StoreUnavailable):
        room.snapshots.current()
    wrap.lost = False
    async with asyncio.timeout(2):
        await room.snapshots.changed(-1)
    assert room.snapshots.signing_key().kid in {key.kid for key in keys}
    assert (await store.load()).keys == keys
    await room.close()


async def test_alarm_ends_the_start(tmp_path: Path, clock: FakeClock) -> None:
    """Where somebody else may have the gateway's secret, it does not start."""

    class Suspect(LosableKeyWrap):
        async def wrap(self, private: Secret[bytes], *, kid: str) -> bytes:
            raise WrappingTokenRefused

    room = make_room(tmp_path, clock, key_wrap=Suspect())
    with pytest.raises(WrappingTokenRefused):
        await room.start()
    await room.close()
