"""A process that is killed in the middle of what it does leaves the old or the new, never half."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from pathlib import Path

import pytest

from gateway.backends.database.store import DatabaseStore
from gateway.backends.key_wrap import FileKeyWrap
from gateway.control.acts import Action
from gateway.control.clients import ClientGrants
from gateway.core.audit import AuditRow, Outcome, TrailVerifier
from gateway.core.grants import every_operation
from gateway.core.keyring import KeyState, KeyUse
from gateway.core.registry import ControlState, RevocationKind
from tests.fakes.control import GRANTS, LOCAL, FakeClock, make_room, make_wrap

KILLS = 20
LONGEST_SECONDS = 0.05
"""About a round of all acts; less than one on a machine that has other work."""


async def prepare(url: str, folder: Path, wrap: FileKeyWrap) -> str:
    """Make the first keys and a client; return the client's identifier."""
    room = make_room(folder, FakeClock(), store=DatabaseStore.open(url), key_wrap=wrap)
    await room.keys.ensure_first()
    issued = await room.clients.create(LOCAL, GRANTS)
    await room.close()
    return issued.client_id


async def work(url: str, folder: Path, wrap: FileKeyWrap, client_id: str, told: int) -> None:
    """Withdraw, rotate, change and forget without an end; tell of what was answered."""
    clock = FakeClock()
    room = make_room(folder, clock, store=DatabaseStore.open(url), key_wrap=wrap)
    while True:
        name = f"{os.getpid()}-{time.monotonic_ns()}"
        await room.revocations.revoke(LOCAL, RevocationKind.JTI, subject=name)
        os.write(told, f"{name}\n".encode())
        await room.keys.rotate(LOCAL, KeyUse.DOCUMENT)
        await room.clients.change(LOCAL, client_id, ClientGrants(grants=every_operation({name})))
        clock.advance(hours=5)
        await room.revocations.forget_expired()


def kill_in_the_middle(*arguments: object) -> list[str]:
    """Let a process work and kill it at a moment nobody chose; return what it had answered for."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            asyncio.run(work(*arguments, writing))
        finally:
            os._exit(1)
    os.close(writing)
    with os.fdopen(reading) as told:
        first = told.readline().strip()  # so that it is in the middle of something
        time.sleep(random.random() * LONGEST_SECONDS)
        os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        assert os.WIFSIGNALED(status)
        return [first, *told.read().split()]


async def look(url: str) -> tuple[ControlState, list[AuditRow]]:
    """Return the state and the trail, whose chain is whole."""
    store = DatabaseStore.open(url)
    try:
        state, rows, verifier = await store.load(), [], TrailVerifier()
        while page := await store.list_audit(after=len(rows), limit=500):
            rows += page
        for row in rows:
            verifier.feed(row)
        verifier.finish(await store.audit_head())
        return state, rows
    finally:
        await store.close()


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
        answered |= set(kill_in_the_middle(url, tmp_path, wrap, client_id))
        state, rows = asyncio.run(look(url))
        verify_whole(state, rows, answered=answered)
    assert len(answered) >= KILLS
