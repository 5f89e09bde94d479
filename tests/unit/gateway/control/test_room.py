"""The control room: one start makes it ready, one close ends all of it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.fakes.control import FakeClock, make_room


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
