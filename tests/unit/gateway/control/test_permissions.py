"""Permissions nobody uses: reported, reclaimed, restored."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest

from gateway.backends.memory import MemoryStore
from gateway.control import permissions as module
from gateway.control.actors import Staff
from gateway.control.clients import ClientGrants
from gateway.control.permissions import HeldPermission, Permissions
from gateway.control.room import ControlRoom
from gateway.core.audit import Outcome
from gateway.core.errors import Conflict, MalformedRequest, NotFound, PermissionDenied
from gateway.core.grants import every_operation
from gateway.core.identity import Principal, Role
from gateway.core.policy import ROLE_PERMISSIONS, Permission, verify_permission
from gateway.core.registry import PermissionUse
from tests.fakes.control import GRANTS, LOCAL, FakeClock, make_room, principal

CALL = "models:call:chat_completions:tiny"
CALLS = {grant.permission for grant in every_operation({"tiny"})}
APPLICATION = {*CALLS, "models:call", "models:list"}
OWNERS = set(ROLE_PERMISSIONS[Role.OWNER]) | CALLS
OWNER_RIGHTS = {"roles:assign", "proposals:decide"}


async def usage(room: ControlRoom, client_id: str) -> dict[str, HeldPermission]:
    found = await room.permissions.list_usage(LOCAL, limit=999)
    return {held.permission: held for held in found if held.client_id == client_id}


async def withheld(room: ControlRoom, client_id: str) -> frozenset[str]:
    stored = await room.store.find_client(client_id)
    assert stored is not None
    return stored.client.withheld


async def reclaimed(room: ControlRoom) -> list[tuple[str, str, str]]:
    rows = await room.store.list_audit(after=0, limit=9999)
    return [
        (row.entry.actor, row.entry.target, row.entry.detail.partition(" ")[0])
        for row in rows
        if row.entry.action == "permission.reclaim" and row.entry.outcome is Outcome.DONE
    ]


async def staff_of(room: ControlRoom, role: Role) -> Staff:
    issued = await room.clients.create(LOCAL, GRANTS, role=role)
    return principal(role, issued.client_id)


async def test_report_counts_from_grant_and_use(room: ControlRoom, clock: FakeClock) -> None:
    """A permission is idle since its grant, or since its last use if that is later."""
    issued = await room.clients.create(LOCAL, GRANTS)
    clock.advance(days=10)
    room.permission_uses.note(issued.client_id, CALL)
    clock.advance(days=5)
    held = await usage(room, issued.client_id)
    assert set(held) == APPLICATION
    assert (held[CALL].last_used_on, held[CALL].idle_days) == (date(2026, 12, 3), 5)
    assert (held["models:list"].last_used_on, held["models:list"].idle_days) == (None, 15)
    assert held["models:list"].granted_on == date(2026, 11, 23)
    assert not held["models:list"].withheld


async def test_permission_without_a_record_counts_from_creation(
    room: ControlRoom, clock: FakeClock
) -> None:
    """Where nothing is known of a permission its client's creation is the grant."""
    issued = await room.clients.create(LOCAL, GRANTS)
    store = room.store
    assert isinstance(store, MemoryStore)
    store._contents.uses.clear()
    clock.advance(days=3)
    held = await usage(room, issued.client_id)
    assert {h.idle_days for h in held.values()} == {3}
    assert {h.granted_on for h in held.values()} == {date(2026, 11, 23)}


async def test_report_is_paged_over_clients(room: ControlRoom, monkeypatch) -> None:
    """Going on after the last entry gives each permission of each client once, in order."""
    monkeypatch.setattr(module, "_PAGE", 3)
    for role in (Role.APPLICATION, Role.OWNER, Role.OPERATOR, Role.APPLICATION):
        await room.clients.create(LOCAL, GRANTS, role=role)
    whole = await room.permissions.list_usage(LOCAL, limit=999)
    seen: list[HeldPermission] = []
    after = ("", "")
    while page := await room.permissions.list_usage(LOCAL, after=after, limit=7):
        seen += page
        after = (page[-1].client_id, page[-1].permission)
    assert seen == list(whole)
    assert [(h.client_id, h.permission) for h in seen] == sorted(
        (h.client_id, h.permission) for h in whole
    )


async def test_report_of_idle_ones_only(room: ControlRoom, clock: FakeClock) -> None:
    """With a number of days only what was idle for as long is listed."""
    old = await room.clients.create(LOCAL, GRANTS)
    clock.advance(days=2)
    await room.clients.create(LOCAL, GRANTS)
    found = await room.permissions.list_usage(LOCAL, limit=99, idle_days=2)
    assert {held.client_id for held in found} == {old.client_id}


@pytest.mark.parametrize("role", [Role.OWNER, Role.DEVELOPER, Role.APPLICATION])
async def test_report_is_for_those_who_may(room: ControlRoom, role: Role) -> None:
    """Operators and auditors see the use of permissions, nobody else."""
    assert await room.permissions.list_usage(principal(Role.AUDITOR)) == []
    assert await room.permissions.list_usage(principal(Role.OPERATOR)) == []
    with pytest.raises(PermissionDenied):
        await room.permissions.list_usage(principal(role))


async def test_reclaim_withholds_exactly_the_idle_ones(room: ControlRoom, clock: FakeClock) -> None:
    """What was used within the days stays; what was idle on the last of them goes."""
    issued = await room.clients.create(LOCAL, GRANTS)
    clock.advance(days=6)
    room.permission_uses.note(issued.client_id, CALL)
    room.permission_uses.note(issued.client_id, "models:call")
    clock.advance(days=1)
    assert await room.permissions.reclaim(LOCAL, idle_days=8) == []
    done = await room.permissions.reclaim(principal(Role.OPERATOR), idle_days=7)
    idle = {"models:list", *CALLS} - {CALL}
    assert {held.permission for held in done} == idle
    assert await withheld(room, issued.client_id) == idle
    assert sorted(await reclaimed(room)) == sorted(
        ("client:someone", issued.client_id, name) for name in idle
    )
    client = room.snapshots.current().clients[issued.client_id]
    with pytest.raises(PermissionDenied):
        verify_permission(Principal(client, "j", "k", clock(), clock()), Permission.LIST_MODELS)
    assert await room.permissions.reclaim(LOCAL, idle_days=7) == []


async def test_dry_run_says_what_would_go(room: ControlRoom, clock: FakeClock) -> None:
    """A dry run changes nothing and leaves no row; the run after it takes the same."""
    issued = await room.clients.create(LOCAL, GRANTS)
    await room.clients.create(LOCAL, GRANTS, role=Role.OWNER)
    await room.clients.create(LOCAL, GRANTS, role=Role.OWNER)
    clock.advance(days=30)
    before, head = await room.store.revision(), await room.store.audit_head()
    planned = await room.permissions.reclaim(LOCAL, idle_days=30, dry_run=True)
    assert {held.client_id for held in planned} > {issued.client_id}
    assert await room.store.revision() == before
    assert await room.store.audit_head() == head
    assert await room.permissions.reclaim(LOCAL, idle_days=30) == planned


@pytest.mark.parametrize("keep", [1, 2])
async def test_owners_stay_able_to_mend(room: ControlRoom, clock: FakeClock, keep: int) -> None:
    """As many enabled owners as needed keep the rights of owners; disabled ones count for none."""
    owners = [await room.clients.create(LOCAL, GRANTS, role=Role.OWNER) for _ in range(3)]
    gone = await room.clients.create(LOCAL, GRANTS, role=Role.OWNER)
    await room.clients.disable(LOCAL, gone.client_id)
    clock.advance(days=400)
    permissions = Permissions(room.acts, room.permission_uses, keep_owners=keep)
    planned = await permissions.reclaim(LOCAL, idle_days=7, dry_run=True)
    assert await permissions.reclaim(LOCAL, idle_days=7) == planned
    for right in OWNER_RIGHTS:
        left = [o for o in owners if right not in await withheld(room, o.client_id)]
        assert len(left) == keep
    assert await withheld(room, gone.client_id) == OWNERS


async def test_last_owner_keeps_its_rights(room: ControlRoom, clock: FakeClock) -> None:
    """The only enabled owner loses what can be restored, never what restores."""
    owner = await room.clients.create(LOCAL, GRANTS, role=Role.OWNER)
    clock.advance(days=400)
    await room.permissions.reclaim(LOCAL, idle_days=7)
    assert await withheld(room, owner.client_id) == OWNERS - OWNER_RIGHTS


async def test_caller_keeps_the_right_to_reclaim(room: ControlRoom, clock: FakeClock) -> None:
    """Nobody takes from themselves what they are using; another operator loses it."""
    me, other = await staff_of(room, Role.OPERATOR), await staff_of(room, Role.OPERATOR)
    clock.advance(days=30)
    await room.permissions.reclaim(me, idle_days=7)
    assert "permissions:reclaim" not in await withheld(room, me.client_id)
    assert "permissions:reclaim" in await withheld(room, other.client_id)
    assert "keys:write" in await withheld(room, me.client_id)


async def test_batches_are_small(room: ControlRoom, clock: FakeClock, monkeypatch) -> None:
    """Many permissions take many transactions, and every one has its row."""
    monkeypatch.setattr(module, "BATCH", 3)
    issued = [await room.clients.create(LOCAL, GRANTS) for _ in range(4)]
    clock.advance(days=7)
    before = await room.store.revision()
    done = await room.permissions.reclaim(LOCAL, idle_days=7)
    assert len(done) == 4 * len(APPLICATION)
    assert await room.store.revision() == before + -(-len(done) // 3)
    assert len(await reclaimed(room)) == len(done)
    for client in issued:
        assert await withheld(room, client.client_id) == APPLICATION


async def test_two_at_once_reclaim_once(room: ControlRoom, clock: FakeClock) -> None:
    """Of two runs at the same time each permission is taken, and written down, once."""
    await room.clients.create(LOCAL, GRANTS)
    clock.advance(days=7)
    both: list[Sequence[HeldPermission]] = await asyncio.gather(
        *(room.permissions.reclaim(LOCAL, idle_days=7) for _ in range(2))
    )
    assert sum(map(len, both)) == len(APPLICATION) == len(await reclaimed(room))


class UsedMeanwhile(MemoryStore):
    """A store in which a use arrives between the plan and the change."""

    late: tuple[PermissionUse, ...] = ()

    def change(self):
        """Bring the use in first."""
        for use in self.late:
            self._contents.uses[use.client_id, use.permission] = use
        return super().change()


async def test_use_that_arrives_meanwhile_saves_the_permission(
    tmp_path: Path, clock: FakeClock
) -> None:
    """What another process writes between plan and change is looked at again."""
    store = UsedMeanwhile()
    room = make_room(tmp_path, clock, store=store)
    issued = await room.clients.create(LOCAL, GRANTS)
    clock.advance(days=7)
    store.late = (PermissionUse(issued.client_id, CALL, date.min, clock().date()),)
    await room.permissions.reclaim(LOCAL, idle_days=7)
    assert await withheld(room, issued.client_id) == APPLICATION - {CALL}


@pytest.mark.parametrize("days", [0, -1, 36_501])
async def test_no_days_is_refused(room: ControlRoom, days: int) -> None:
    """Everything is idle for zero days, so that is not taken."""
    with pytest.raises(MalformedRequest):
        await room.permissions.reclaim(LOCAL, idle_days=days)


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.OPERATOR])
async def test_only_operators_reclaim(room: ControlRoom, clock: FakeClock, role: Role) -> None:
    """Whoever may not is refused, dry run or not, and the refusal is in the trail."""
    issued = await room.clients.create(LOCAL, GRANTS)
    clock.advance(days=30)
    for dry_run in (True, False):
        with pytest.raises(PermissionDenied):
            await room.permissions.reclaim(principal(role), idle_days=7, dry_run=dry_run)
    rows = await room.store.list_audit(after=0, limit=999)
    refused = [row.entry for row in rows if row.entry.outcome is Outcome.REFUSED]
    assert [(e.action, e.target) for e in refused] == [("permission.reclaim", "*")] * 2
    assert await withheld(room, issued.client_id) == set()


async def test_restored_permission_counts_as_granted_today(
    room: ControlRoom, clock: FakeClock
) -> None:
    """What is given back works at once and is idle from today on."""
    issued = await room.clients.create(LOCAL, GRANTS)
    clock.advance(days=30)
    await room.permissions.reclaim(LOCAL, idle_days=7)
    operator = principal(Role.OPERATOR)
    stored = await room.permissions.restore(operator, issued.client_id, CALL)
    assert stored.client.withheld == APPLICATION - {CALL}
    assert room.snapshots.current().clients[issued.client_id] == stored.client
    held = (await usage(room, issued.client_id))[CALL]
    assert (held.idle_days, held.granted_on) == (0, clock().date())
    assert await room.permissions.reclaim(LOCAL, idle_days=7) == []
    with pytest.raises(Conflict):
        await room.permissions.restore(operator, issued.client_id, CALL)
    with pytest.raises(NotFound):
        await room.permissions.restore(operator, "c-unknown", CALL)


async def test_staff_is_restored_by_owners(room: ControlRoom, clock: FakeClock) -> None:
    """An operator cannot give staff anything back, an owner nothing to itself."""
    first, second = await staff_of(room, Role.OWNER), await staff_of(room, Role.OWNER)
    operator = await staff_of(room, Role.OPERATOR)
    clock.advance(days=30)
    await room.permissions.reclaim(LOCAL, idle_days=7)
    with pytest.raises(PermissionDenied):
        await room.permissions.restore(principal(Role.OPERATOR), operator.client_id, "keys:write")
    with pytest.raises(PermissionDenied):
        await room.permissions.restore(first, first.client_id, "clients:read")
    await room.permissions.restore(first, operator.client_id, "keys:write")
    await room.permissions.restore(second, first.client_id, "clients:read")
    assert "keys:write" not in await withheld(room, operator.client_id)
    application = await room.clients.create(LOCAL, GRANTS)
    clock.advance(days=30)
    await room.permissions.reclaim(LOCAL, idle_days=7)
    with pytest.raises(PermissionDenied):
        await room.permissions.restore(first, application.client_id, CALL)


async def test_grant_given_again_is_not_withheld(room: ControlRoom, clock: FakeClock) -> None:
    """An operator who names a grant again means it; what is not named stays withheld."""
    issued = await room.clients.create(LOCAL, GRANTS)
    clock.advance(days=30)
    await room.permissions.reclaim(LOCAL, idle_days=7)
    await room.clients.change(LOCAL, issued.client_id, ClientGrants(plaintext_allowed=True))
    assert await withheld(room, issued.client_id) == APPLICATION
    again = ClientGrants(grants=every_operation({"tiny"}))
    await room.clients.change(LOCAL, issued.client_id, again)
    assert await withheld(room, issued.client_id) == {"models:call", "models:list"}
    assert (await usage(room, issued.client_id))[CALL].idle_days == 0


async def test_new_role_is_whole(room: ControlRoom, clock: FakeClock) -> None:
    """A role that an owner assigns comes with all its permissions, as granted today."""
    issued = await room.clients.create(LOCAL, GRANTS)
    clock.advance(days=30)
    await room.permissions.reclaim(LOCAL, idle_days=7)
    await room.clients.assign_role(LOCAL, issued.client_id, Role.DEVELOPER)
    held = await usage(room, issued.client_id)
    assert not held["models:list"].withheld
    assert held["models:list"].idle_days == 0
    assert held[CALL].withheld


async def test_gateway_reclaims_by_itself(room: ControlRoom, clock: FakeClock) -> None:
    """The scheduled reclaim is the system's act."""
    issued = await room.clients.create(LOCAL, GRANTS)
    clock.advance(days=30)
    await room.permissions.reclaim_idle(30)
    assert {actor for actor, _, _ in await reclaimed(room)} == {"system"}
    assert await withheld(room, issued.client_id) == APPLICATION
