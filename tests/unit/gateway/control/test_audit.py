"""Reading, verifying and exporting the audit trail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.backends.memory import MemoryStore
from gateway.control import audit
from gateway.control.actors import System
from gateway.control.acts import Act, Action
from gateway.control.room import ControlRoom
from gateway.core.audit import AuditHead, AuditRow, Outcome, TrailVerifier, append_row
from gateway.core.errors import AuditBroken, PermissionDenied
from gateway.core.identity import Role
from gateway.core.policy import Permission
from tests.fakes.control import LOCAL, FakeClock, make_room, principal

AUDITOR = principal(Role.AUDITOR)


async def write(room: ControlRoom, rows: int) -> None:
    for number in range(rows):
        act = Act(Action.PURGE_ACCESS_LOG, f"target {number}")
        await room.acts.declare(System(), Permission.PURGE_ACCESS_LOG, act)


async def exported(room: ControlRoom) -> list[AuditRow]:
    return [row async for rows in await room.audit.export(AUDITOR) for row in rows]


async def test_reading_is_in_the_trail_before_it_is_answered(room: ControlRoom) -> None:
    """Each reading is an act of the reader, and its row is in what is read."""
    await room.audit.list_page(AUDITOR)
    await room.audit.verify(AUDITOR)
    rows = await exported(room)
    reads = [row.entry for row in rows if row.entry.action == "audit.read"]
    assert [(entry.actor, entry.detail) for entry in reads] == [
        ("client:someone", "after 0"),
        ("client:someone", "verify"),
        ("client:someone", "export"),
    ]
    assert rows[-1].entry == reads[-1]


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.AUDITOR])
async def test_nobody_else_reads(room: ControlRoom, role: Role) -> None:
    """Whoever is no auditor is refused, and the refusal is in the trail."""
    someone = principal(role)
    for attempt in (room.audit.list_page, room.audit.verify, room.audit.export):
        with pytest.raises(PermissionDenied):
            await attempt(someone)
    rows = (await exported(room))[-4:-1]
    assert [row.entry.outcome for row in rows] == [Outcome.REFUSED] * 3


async def test_pages_follow_each_other(room: ControlRoom) -> None:
    """Reading on after the last number gives each row once."""
    await write(room, 5)
    first = await room.audit.list_page(LOCAL, limit=3)
    second = await room.audit.list_page(LOCAL, after=first[-1].number, limit=2)
    assert [row.number for row in (*first, *second)] == [1, 2, 3, 4, 5]


async def test_whole_trail_over_many_pages(
    room: ControlRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A trail of many pages is verified whole, and its head is the last row."""
    monkeypatch.setattr(audit, "PAGE_ROWS", 3)
    await write(room, 10)
    head = await room.audit.verify(AUDITOR)
    assert head == await room.store.audit_head()
    rows = await exported(room)
    verifier = TrailVerifier(noted=head)
    for row in rows:
        verifier.feed(row)
    assert verifier.finish() == await room.store.audit_head()
    assert head in [row.head for row in rows]


async def test_noted_head(room: ControlRoom) -> None:
    """A head that was noted holds for as long as the trail only grows."""
    await write(room, 2)
    noted = await room.audit.verify(AUDITOR)
    await write(room, 2)
    assert await room.audit.verify(AUDITOR, noted=noted)
    with pytest.raises(AuditBroken, match=f"Row {noted.number} is not the one"):
        await room.audit.verify(AUDITOR, noted=AuditHead(noted.number, "f" * 64))
    with pytest.raises(AuditBroken, match="end was cut off"):
        await room.audit.verify(AUDITOR, noted=AuditHead(99, "f" * 64))


class EditedStore(MemoryStore):
    """A store in which another hand was at the rows."""

    def __init__(self) -> None:
        super().__init__()
        self.extra: list[AuditRow] = []
        self.hidden: set[int] = set()

    async def list_audit(self, *, after: int, limit: int) -> Sequence[AuditRow]:
        """Return the rows as they were edited."""
        rows = [*await super().list_audit(after=-9, limit=999), *self.extra]
        rows = sorted(rows, key=lambda row: row.number)
        return [r for r in rows if r.number > after and r.number not in self.hidden][:limit]


async def test_other_hands_show(tmp_path: Path, clock: FakeClock) -> None:
    """Rows taken out, cut off, added past the end or before the first one are found."""
    store = EditedStore()
    room = make_room(tmp_path, clock, store=store)
    await write(room, 3)
    store.hidden = {2}
    with pytest.raises(AuditBroken, match="Row 2 is missing"):
        await room.audit.verify(AUDITOR)
    head = await store.audit_head()
    store.hidden = {head.number + 1}  # the row of the next reading
    with pytest.raises(AuditBroken, match=f"Row {head.number + 1} is missing: the end"):
        await room.audit.verify(AUDITOR)
    store.hidden = set()
    await room.audit.verify(AUDITOR)
    last = (await store.list_audit(after=0, limit=99))[-1]
    forged = append_row(AuditHead(last.number + 1, "0" * 64), last.entry)
    store.extra = [forged]
    with pytest.raises(AuditBroken, match=f"Row {forged.number} was added past the end"):
        await room.audit.verify(AUDITOR)
    store.extra = [replace(last, number=-3)]
    with pytest.raises(AuditBroken, match="Row 1 is missing or out of its place"):
        await room.audit.verify(AUDITOR)


class BusyStore(MemoryStore):
    """A store into which others write while the trail is verified."""

    busy = False

    async def list_audit(self, *, after: int, limit: int) -> Sequence[AuditRow]:
        """Return rows after one more was written."""
        rows = await super().list_audit(after=0, limit=1)
        if self.busy and rows:
            await self.note(rows[0].entry)
        return await super().list_audit(after=after, limit=limit)


async def test_verifying_ends_while_others_write(tmp_path: Path, clock: FakeClock) -> None:
    """Rows that are written meanwhile are neither an error nor a reason to go on for ever."""
    store = BusyStore()
    room = make_room(tmp_path, clock, store=store)
    await write(room, 3)
    store.busy = True
    head = await room.audit.verify(AUDITOR)
    assert head.number == 4
    assert (await store.audit_head()).number > 4
