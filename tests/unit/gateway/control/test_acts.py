"""The one door for administrative acts."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.control.acts import NO_NAME, Act, Action
from gateway.control.credentials import SECRET
from gateway.control.room import ControlRoom
from gateway.core.audit import AuditEntry, AuditRow, Outcome, TrailVerifier
from gateway.core.errors import Conflict, PermissionDenied, SealgateError, StoreUnavailable
from gateway.core.identity import Role
from gateway.core.policy import Permission
from gateway.core.ports import ControlChange
from gateway.core.registry import RevocationKind
from tests.fakes.control import GRANTS, LOCAL, FakeClock, LosableStore, make_room, principal

ACT = Act(Action.CHANGE_CLIENT, "c-1", "networks")


async def last_row(room: ControlRoom) -> AuditRow:
    head = await room.store.audit_head()
    (row,) = await room.store.list_audit(after=head.number - 1, limit=2)
    return row


async def test_done_act_is_in_the_trail(room: ControlRoom, clock: FakeClock) -> None:
    """An act has a row with who, what, to what, when and in which call."""
    actor = principal(Role.OPERATOR)
    async with room.acts.change(actor, Permission.WRITE_CLIENTS, ACT):
        pass
    row = await last_row(room)
    assert row.entry == AuditEntry(
        clock(), "client:someone", "client.change", "c-1", Outcome.DONE, "r-1", "networks"
    )


async def test_every_use_case_leaves_a_verifiable_trail(room: ControlRoom) -> None:
    """Rows of several use cases make one chain, and no secret is in any of them."""
    issued = await room.clients.create(LOCAL, GRANTS)
    added = (await room.credentials.add(LOCAL, issued.client_id, SECRET)).made
    assert added.secret is not None
    await room.clients.disable(LOCAL, issued.client_id)
    rows = await room.store.list_audit(after=0, limit=99)
    verifier = TrailVerifier()
    for row in rows:
        verifier.feed(row)
    verifier.finish(await room.store.audit_head())
    assert [row.entry.action for row in rows[-3:]] == [
        "client.create",
        "credential.add",
        "client.disable",
    ]
    for secret in (issued.secret.reveal(), added.secret.reveal()):
        assert secret not in repr(rows)


async def test_refusal_changes_nothing_and_leaves_a_row(room: ControlRoom) -> None:
    """A refused act is rolled back, and the trail says who tried and why it was refused."""
    before = await room.store.revision()
    with pytest.raises(PermissionDenied):
        await room.clients.create(principal(Role.AUDITOR), GRANTS)
    assert await room.store.revision() == before
    row = await last_row(room)
    assert (row.entry.outcome, row.entry.detail) == (Outcome.REFUSED, "permission_denied")


async def test_what_is_no_name_is_not_kept_of_a_refused_act(room: ControlRoom) -> None:
    """A secret, a token or a person may be typed where an identifier belongs; a name stays."""
    issued = await room.clients.create(LOCAL, GRANTS)
    secret = issued.secret.reveal()
    for attempt, target in (
        (room.clients.disable(LOCAL, "c-0000000000000009"), "c-0000000000000009"),
        (room.clients.disable(LOCAL, secret), NO_NAME),
        (room.clients.disable(LOCAL, "ann@example.com"), NO_NAME),
        (room.revocations.revoke(LOCAL, RevocationKind.CREDENTIAL_ID, subject=secret), NO_NAME),
        (room.revocations.revoke(LOCAL, RevocationKind.JTI, subject="e" * 600), NO_NAME),
        (room.keys.withdraw(LOCAL, "k" * 43), "k" * 43),
        (room.backends.drain(LOCAL, secret), NO_NAME),
    ):
        with pytest.raises(SealgateError):
            await attempt
        assert (await last_row(room)).entry.target == target
    assert secret not in repr(await room.store.list_audit(after=0, limit=99))


async def test_refusal_inside_rolls_back(room: ControlRoom) -> None:
    """What was written before a refusal is gone, only the refusal stays."""
    issued = await room.clients.create(LOCAL, GRANTS)

    async def fail() -> None:
        async with room.acts.change(LOCAL, Permission.WRITE_CLIENTS, ACT) as change:
            stored = await change.find_client(issued.client_id)
            assert stored is not None
            await change.add_client(stored)

    with pytest.raises(Conflict):
        await fail()
    assert (await last_row(room)).entry.detail == "conflict"


class BrokenSink(LosableStore):
    """A store whose audit trail cannot be written."""

    broken = False

    async def note(self, entry: AuditEntry) -> AuditRow:
        """Fail when broken."""
        if self.broken:
            raise StoreUnavailable
        return await super().note(entry)


async def test_broken_sink_changes_nothing(tmp_path: Path, clock: FakeClock) -> None:
    """An act whose row cannot be written is refused, whether it was to be done or refused."""
    store = BrokenSink()
    room = make_room(tmp_path, clock, store=store)
    await room.snapshots.refresh()
    store.broken = True
    with pytest.raises(StoreUnavailable):
        await room.acts.declare(LOCAL, Permission.PURGE_ACCESS_LOG, ACT)
    with pytest.raises(StoreUnavailable):
        await room.clients.create(principal(Role.AUDITOR), GRANTS)
    assert (await store.load()).clients == ()

    async def full(change: ControlChange) -> None:
        change.append_audit = refuse  # type: ignore[method-assign]
        await room.acts.record(change, LOCAL, ACT)

    async def refuse(_entry: AuditEntry) -> AuditRow:
        raise StoreUnavailable

    async def fail() -> None:
        async with room.acts.change(LOCAL, Permission.WRITE_CLIENTS, ACT) as change:
            await full(change)

    before = await store.revision()
    with pytest.raises(StoreUnavailable):
        await fail()
    assert await store.revision() == before


async def test_declared_act_has_its_row_first(room: ControlRoom) -> None:
    """What is done outside of the store is in the trail before; a refused one too."""
    await room.acts.declare(LOCAL, Permission.READ_ACCESS_LOG, ACT)
    assert (await last_row(room)).entry.outcome is Outcome.DONE
    with pytest.raises(PermissionDenied):
        await room.acts.declare(principal(Role.OWNER), Permission.READ_ACCESS_LOG, ACT)
    assert (await last_row(room)).entry.outcome is Outcome.REFUSED


async def test_act_that_is_durable_counts_or_nothing_does(tmp_path: Path, clock: FakeClock) -> None:
    """If the store is lost right after a change, this process trusts nothing until it is back."""
    store = LosableStore()
    room = make_room(tmp_path, clock, store=store)
    await room.snapshots.refresh()
    async with room.acts.change(LOCAL, Permission.WRITE_CLIENTS, ACT):
        store.lost = True
    with pytest.raises(StoreUnavailable):
        room.snapshots.current()
    store.lost = False
    await room.snapshots.check()
    assert room.snapshots.current()


async def test_use_of_a_permission_is_noted(room: ControlRoom, clock: FakeClock) -> None:
    """The day on which a member of staff used a permission is remembered; a refused use is not."""
    issued = await room.clients.create(LOCAL, GRANTS, role=Role.OPERATOR)
    operator = principal(Role.OPERATOR, issued.client_id)
    room.acts.verify(operator, Permission.READ_KEYS)
    with pytest.raises(PermissionDenied):
        room.acts.verify(operator, Permission.READ_AUDIT)
    await room.permission_uses.write()
    uses = await room.store.list_permission_uses(after=("", ""), limit=99)
    used = {use.permission: use.last_used_on for use in uses if use.last_used_on is not None}
    assert used == {"keys:read": clock().date()}
