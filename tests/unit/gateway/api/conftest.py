"""A control room in memory for each test of the HTTP face."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.control.room import ControlRoom
from tests.fakes.control import FakeClock, make_room


@pytest.fixture
def clock() -> FakeClock:
    """Return a clock that the test moves."""
    return FakeClock()


@pytest.fixture
async def room(tmp_path: Path, clock: FakeClock) -> AsyncIterator[ControlRoom]:
    """Give a control room that has its first keys."""
    room = make_room(tmp_path, clock)
    await room.keys.ensure_first()
    yield room
    await room.close()
