"""The control room: one start makes it ready, one close ends all of it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.fakes.control import GRANTS, LOCAL, FakeClock, make_room


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
    for _ in range(100):
        stored = await room.store.find_client(issued.client_id)
        assert stored is not None
        if stored.client.withheld:
            break
        await asyncio.sleep(0.05)
    await room.close()
    assert "models:call" in stored.client.withheld
