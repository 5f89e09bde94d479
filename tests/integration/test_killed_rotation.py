"""Keys and credentials that a killed process was rotating: old or new, never half."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from gateway.backends.database.store import DatabaseStore
from gateway.backends.key_wrap import FileKeyWrap
from gateway.control.acts import Action
from gateway.control.key_material import ALGORITHMS
from gateway.core.audit import AuditRow
from gateway.core.keyring import USABLE, KeyState, KeyUse, StoredKey
from gateway.core.registry import ControlState, Credential
from tests.fakes.control import GRANTS, LOCAL, FakeClock, add_secret, make_room, make_wrap
from tests.fakes.killed import KILLS, Tell, kill_in_the_middle, look

STATES = {
    Action.CREATE_KEY: KeyState.PENDING,
    Action.ACTIVATE_KEY: KeyState.ACTIVE,
    Action.RETIRE_KEY: KeyState.RETIRING,
    Action.DESTROY_KEY: KeyState.DESTROYED,
    Action.REVOKE_KEY: KeyState.REVOKED,
}


async def prepare(url: str, folder: Path, wrap: FileKeyWrap) -> str:
    """Make the first keys and a client; return the client's identifier."""
    room = make_room(folder, FakeClock(), store=DatabaseStore.open(url), key_wrap=wrap)
    await room.keys.ensure_first()
    issued = await room.clients.create(LOCAL, GRANTS)
    await room.close()
    return issued.client_id


async def rotate(
    url: str, folder: Path, wrap: FileKeyWrap, client_id: str, start: timedelta, tell: Tell
) -> None:
    """Rotate everything without an end, from *start* after the usual moment; tell each secret."""
    clock = FakeClock()
    clock.now += start
    room = make_room(folder, clock, store=DatabaseStore.open(url), key_wrap=wrap)
    await room.keys.ensure_first()
    while True:
        *old, _ = [c for c in await room.store.list_credentials(client_id) if c.revoked_at is None]
        for credential in old:
            await room.credentials.revoke(LOCAL, client_id, credential.credential_id)
        tell((await add_secret(room, LOCAL, client_id)).credential_id)
        for use in KeyUse:
            await room.keys.rotate(LOCAL, use)
        clock.advance(minutes=10)
        await room.keys.activate_due()
        (document, *_) = [
            key
            for key in (await room.store.load()).keys
            if key.use is KeyUse.DOCUMENT and key.state is KeyState.ACTIVE
        ]
        await room.keys.revoke(LOCAL, document.kid)
        clock.advance(days=31)
        await room.keys.maintain()


def verify_keys(state: ControlState, rows: list[AuditRow], wrap: FileKeyWrap) -> None:
    """Fail unless each key is where the trail left it, and what is usable opens."""
    last = {
        row.entry.target: STATES[Action(row.entry.action)]
        for row in rows
        if row.entry.action in set(STATES)
    }
    assert {key.kid: key.state for key in state.keys} == last
    for key in state.keys:
        assert (key.wrapped_private is not None) is (key.state in USABLE)
        if key.wrapped_private is not None:
            asyncio.run(wrap.unwrap(key.wrapped_private, kid=key.kid))
    for use in KeyUse:
        for wanted in (KeyState.ACTIVE, KeyState.PENDING):
            found = Counter(_kinds(state.keys, use, wanted))
            assert not found or max(found.values()) == 1
        if use is KeyUse.SIGNING:
            assert len(_kinds(state.keys, use, KeyState.ACTIVE)) == 1
        else:
            assert set(_kinds(state.keys, use, KeyState.ACTIVE)) == set(ALGORITHMS[use])


def _kinds(keys: tuple[StoredKey, ...], use: KeyUse, state: KeyState) -> list[object]:
    return [key.algorithm for key in keys if key.use is use and key.state is state]


def verify_credentials(
    found: list[Credential], state: ControlState, rows: list[AuditRow], answered: set[str]
) -> None:
    """Fail unless each credential is as the trail has it, and the client's version counts both."""
    done = Counter(row.entry.action for row in rows)
    assert len(found) == 1 + done[Action.ADD_CREDENTIAL]
    assert sum(c.revoked_at is not None for c in found) == done[Action.REVOKE_CREDENTIAL]
    assert answered <= {credential.credential_id for credential in found}
    assert any(credential.revoked_at is None for credential in found)
    (client,) = state.clients
    assert client.version == len(found) + done[Action.REVOKE_CREDENTIAL]


async def credentials(url: str, client_id: str) -> list[Credential]:
    """Return all of a client."""
    store = DatabaseStore.open(url)
    found = await store.list_credentials(client_id)
    await store.close()
    return list(found)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_killed_rotation(request: pytest.FixtureRequest, tmp_path: Path, kind: str) -> None:
    """Killed twenty times while it rotates keys of every use and credentials, all is whole."""
    url, wrap = request.getfixturevalue(f"{kind}_url"), make_wrap()
    client_id = asyncio.run(prepare(url, tmp_path, wrap))
    answered: set[str] = set()
    for number in range(KILLS):
        start = timedelta(days=1000 * number)  # after all that those before can have reached
        work = partial(rotate, url, tmp_path, wrap, client_id, start)
        answered |= set(kill_in_the_middle(work))
        state, rows = asyncio.run(look(url))
        verify_keys(state, rows, wrap)
        verify_credentials(asyncio.run(credentials(url, client_id)), state, rows, answered)
    assert len(answered) >= KILLS
