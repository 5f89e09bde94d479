"""A process that is killed in the middle of what it does leaves the old or the new, never half."""

from __future__ import annotations

import asyncio
import os
import time
from functools import partial
from pathlib import Path

import pytest

from gateway.backends.database.store import DatabaseStore
from gateway.backends.key_wrap import FileKeyWrap
from gateway.control.acts import Action
from gateway.control.clients import ClientGrants
from gateway.core.audit import AuditRow, Outcome
from gateway.core.grants import every_operation
from gateway.core.keyring import KeyState, KeyUse
from gateway.core.registry import ControlState, RevocationKind
from tests.fakes.control import GRANTS, LOCAL, FakeClock, make_room, make_wrap
from tests.fakes.killed import KILLS, Tell, kill_in_the_middle, look


async def prepare(url: str, folder: Path, wrap: FileKeyWrap) -> str:
    """Make the first keys and a client; return the client's identifier."""
    room = make_room(folder, FakeClock(), store=DatabaseStore.open(url), key_wrap=wrap)
    await room.keys.ensure_first()
    issued = await room.clients.create(LOCAL, GRANTS)
    await room.close()
    return issued.client_id


async def work(url: str, folder: Path, wrap: FileKeyWrap, client_id: str, tell: Tell) -> None:
    """Withdraw, rotate, change and forget without an end; tell of what was answered."""
    clock = FakeClock()
    room = make_room(folder, clock, store=DatabaseStore.open(url), key_wrap=wrap)
    while True:
        name = f"{os.getpid()}-{time.monotonic_ns()}"
        await room.revocations.revoke(LOCAL, RevocationKind.JTI, subject=name)
        tell(name)
        await room.keys.rotate(LOCAL, KeyUse.DOCUMENT)
        await room.clients.change(LOCAL, client_id, ClientGrants(grants=every_operation({name})))
        clock.advance(hours=5)
        await room.revocations.forget_expired()


def verify_whole(state: ControlState, rows: list[AuditRow], *, answered: set[str]) -> None:
    """Fail when something was done and not recorded, recorded and not done, or half of either."""
    assert {row.entry.outcome for row in rows} == {Outcome.DONE}
    targets: dict[str, list[str]] = {action: [] for action in Action}
    for row in rows:
        targets[row.entry.action].append(row.entry.target)
    revoked = {target.removeprefix("jti:") for target in targets[Action.REVOKE]}
    assert answered <= revoked
    assert {revocation.subject for revocation in state.revocations} <= revoked
    documents = [key for key in state.keys if key.use is KeyUse.DOCUMENT]
    assert len(documents) == 1 + targets[Action.ROTATE_KEYS].count("document")
    assert [key.state for key in documents].count(KeyState.ACTIVE) == 1
    (client,) = state.clients
    assert client.version == 1 + len(targets[Action.CHANGE_CLIENT])
    assert client.client.models <= {"tiny"} | revoked


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_killed_writer(request: pytest.FixtureRequest, tmp_path: Path, kind: str) -> None:
    """Killed twenty times while it withdraws, rotates, changes and forgets, all is whole."""
    url, wrap = request.getfixturevalue(f"{kind}_url"), make_wrap()
    client_id = asyncio.run(prepare(url, tmp_path, wrap))
    answered: set[str] = set()
    for _ in range(KILLS):
        answered |= set(kill_in_the_middle(partial(work, url, tmp_path, wrap, client_id)))
        state, rows = asyncio.run(look(url))
        verify_whole(state, rows, answered=answered)
    assert len(answered) >= KILLS
