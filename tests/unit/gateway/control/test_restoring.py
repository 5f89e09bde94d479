"""What comes back with a backup and what does not."""

from __future__ import annotations

import pytest

from gateway.control.clients import ClientGrants
from gateway.control.restoring import is_successor, put_rights_back, withdraw_unknown
from gateway.control.room import ControlRoom
from gateway.core.audit import EMPTY_TRAIL
from gateway.core.grants import every_operation
from gateway.core.keyring import USABLE, KeyUse
from gateway.core.registry import StoredClient
from tests.fakes.control import GRANTS, LOCAL, FakeClock, add_secret, token_of


async def clients_of(room: ControlRoom) -> dict[str, StoredClient]:
    """Return all clients by identifier."""
    return {stored.client.client_id: stored for stored in (await room.store.load()).clients}


async def test_who_was_changed_since_is_put_back_and_disabled(room: ControlRoom) -> None:
    """Others are untouched; credentials stay as they are now; one row says what was done."""
    same, changed, rotated = [await room.clients.create(LOCAL, GRANTS) for _ in range(3)]
    head, backup = await room.store.audit_head(), await clients_of(room)
    await room.clients.change(
        LOCAL, changed.client_id, ClientGrants(grants=every_operation({"draft"}))
    )
    await add_secret(room, LOCAL, rotated.client_id)
    await room.credentials.revoke(LOCAL, rotated.client_id, rotated.credential_id)
    fresh = await room.clients.create(LOCAL, GRANTS)
    restored = await put_rights_back(room.acts, LOCAL, backup, head=head)
    assert restored.merged
    assert set(restored.disabled) == {changed.client_id, rotated.client_id, fresh.client_id}
    now = await clients_of(room)
    assert now[same.client_id] == backup[same.client_id]
    assert now[changed.client_id].client.models == {"tiny"}
    assert [now[name].client.disabled for name in restored.disabled] == [True] * 3
    revoked = {
        c.credential_id: c.revoked_at for c in await room.store.list_credentials(rotated.client_id)
    }
    assert revoked.pop(rotated.credential_id) is not None
    assert list(revoked.values()) == [None]
    assert (await room.audit.verify(LOCAL)).number > head.number
    (row,) = [
        row
        for row in await room.store.list_audit(after=0, limit=1000)
        if row.entry.action == "store.restore"
    ]
    assert row.entry.target == f"{head.number}:{head.digest}"


async def test_what_was_disabled_stays_disabled(room: ControlRoom) -> None:
    """A client that was disabled after the backup, and one before it."""
    before, after = [await room.clients.create(LOCAL, GRANTS) for _ in range(2)]
    await room.clients.disable(LOCAL, before.client_id)
    head, backup = await room.store.audit_head(), await clients_of(room)
    await room.clients.enable(LOCAL, before.client_id)
    await room.clients.disable(LOCAL, after.client_id)
    await put_rights_back(room.acts, LOCAL, backup, head=head)
    assert all(stored.client.disabled for stored in (await clients_of(room)).values())


async def test_store_that_goes_on_from_a_backup(room: ControlRoom) -> None:
    """Its trail has the row with which that of the backup ended; no other has, nor an empty one."""
    head = await room.store.audit_head()
    await room.clients.create(LOCAL, GRANTS)
    assert await is_successor(room.store, head)
    assert await is_successor(room.store, await room.store.audit_head())
    for other in (head._replace(digest="f" * 64), head._replace(number=999), EMPTY_TRAIL):
        assert not await is_successor(room.store, other)


@pytest.mark.parametrize("nothing_withdrawn", [False, True])
async def test_what_cannot_be_known_is_withdrawn(
    room: ControlRoom, clock: FakeClock, nothing_withdrawn: bool
) -> None:
    """Tokens and encryption keys always; clients, credentials and the rest unless vouched for."""
    await token_of(room)
    (client_id,) = await clients_of(room)
    head = await room.store.audit_head()
    async with room.store.change() as change:
        restored = await withdraw_unknown(
            change, LOCAL, head=head, at=clock(), nothing_withdrawn=nothing_withdrawn
        )
    await room.snapshots.refresh()
    state = await room.store.load()
    usable = {key.use for key in state.keys if key.state in USABLE}
    assert usable == ({*KeyUse} - {KeyUse.ENCRYPTION} if nothing_withdrawn else set())
    assert restored.disabled == (() if nothing_withdrawn else (client_id,))
    (stored,) = state.clients
    assert stored.client.disabled is not nothing_withdrawn
    (credential,) = await room.store.list_credentials(client_id)
    assert (credential.revoked_at is None) is nothing_withdrawn
    assert [r.kind.value for r in state.revocations if r.subject == "*"] == ["everything"]
    rows = await room.store.list_audit(after=head.number, limit=10)
    assert [row.entry.action for row in rows] == ["store.restore"]
    assert ("vouched" in rows[0].entry.detail) is nothing_withdrawn
