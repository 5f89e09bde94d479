"""A restore that is killed in the middle leaves the store as it was or as the backup makes it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from gateway.backends.database.backup import copy_out, replacing
from gateway.backends.database.store import DatabaseStore
from gateway.backends.high_water import HighWater
from gateway.backends.key_wrap import FileKeyWrap
from gateway.control.restoring import JUMP, withdraw_unknown
from gateway.core.keyring import USABLE
from tests.fakes.control import GRANTS, LOCAL, FakeClock, make_room, make_wrap
from tests.fakes.killed import KILLS, Tell, kill_in_the_middle, look

NOW = datetime(2026, 11, 23, tzinfo=UTC)
CLIENTS = 5
"""Enough rows that most moments are in the middle of them."""


async def fill(url: str, folder: Path, wrap: FileKeyWrap) -> tuple[list[bytes], frozenset[str]]:
    """Return a backup of a store with many clients, and their names."""
    room = make_room(folder, FakeClock(), store=DatabaseStore.open(url), key_wrap=wrap)
    await room.keys.ensure_first()
    for _ in range(CLIENTS):
        await room.clients.create(LOCAL, GRANTS)
    names = {stored.client.client_id for stored in (await room.store.load()).clients}
    await room.close()
    return [line async for line in copy_out(url, now=NOW)], frozenset(names)


async def restore(url: str, mark: Path, backups: list[list[bytes]], tell: Tell) -> None:
    """Put the backups back in turn without an end; tell of each that is done."""
    while True:
        for lines in backups:
            async with replacing(url, lines, above=HighWater(mark).read(), jump=JUMP) as put:
                await withdraw_unknown(
                    put.change, LOCAL, head=put.head.audit, at=NOW, nothing_withdrawn=False
                )
            HighWater(mark).raise_to(put.revision)
            tell("done")


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_killed_restore(request: pytest.FixtureRequest, tmp_path: Path, kind: str) -> None:
    """Killed twenty times: one backup or the other, whole, with all of it withdrawn."""
    url, mark = request.getfixturevalue(f"{kind}_url"), tmp_path / "high-water"
    wrap = make_wrap()
    one, of_one = asyncio.run(fill(url, tmp_path, wrap))
    two, of_two = asyncio.run(fill(url, tmp_path, wrap))
    of_two_only = of_two - of_one
    assert len(of_two_only) == CLIENTS
    seen = set()
    for number in range(KILLS):
        turns = [one, two] if number % 2 else [two, one]
        kill_in_the_middle(partial(restore, url, mark, turns))
        state, rows = asyncio.run(look(url))
        names = frozenset(stored.client.client_id for stored in state.clients)
        assert names in {of_one, of_two}
        seen.add(names)
        assert state.revision >= HighWater(mark).read()
        assert rows[-1].entry.action == "store.restore"
        assert all(stored.client.disabled for stored in state.clients)
        assert not [key for key in state.keys if key.state in USABLE]
    assert seen == {of_one, of_two}
