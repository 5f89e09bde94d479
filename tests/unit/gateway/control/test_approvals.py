"""The two-person rule: what is proposed, who decides it, and what makes it void."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.backends.database.store import DatabaseStore
from gateway.control.actors import LocalOperator, Staff, System
from gateway.control.approvals import Decision
from gateway.control.clients import ClientGrants
from gateway.control.credentials import parse_subject
from gateway.control.room import ControlRoom
from gateway.control.two_person import Proposed, TwoPersonAct, TwoPersonRule
from gateway.core.audit import AuditEntry, Outcome
from gateway.core.errors import (
    ApprovalNeeded,
    Conflict,
    NotFound,
    PermissionDenied,
    SealgateError,
    VersionMismatch,
)
from gateway.core.grants import Quota
from gateway.core.identity import Principal, Role
from gateway.core.registry import Proposal, ProposalState, RevocationKind
from gateway.core.scrub_rules import ScrubRules, Treatment
from tests.fakes.control import GRANTS, LOCAL, FakeClock, make_room, make_wrap
from tests.fakes.database import make_database

RULE = TwoPersonRule(frozenset(TwoPersonAct))
CLEAR = ClientGrants(plaintext_allowed=True)


class World:
    """A gateway under the rule with two owners, an operator and an application."""

    def __init__(self, room: ControlRoom, directory: Path) -> None:
        self.room = room
        self.directory = directory
        self.owners: list[Staff] = []

    async def fill(self) -> None:
        self.owners = [await self.staff(Role.OWNER) for _ in range(2)]
        free = self.free()
        self.operator = await self.staff(Role.OPERATOR, free)
        self.client_id = (await free.clients.create(LOCAL, GRANTS)).client_id
        await self.room.snapshots.refresh()

    async def staff(self, role: Role, room: ControlRoom | None = None) -> Staff:
        room = room or self.room
        issued = await room.clients.create(LOCAL, GRANTS, role=role)
        stored = await room.store.find_client(issued.client_id)
        assert stored is not None
        now = room.clock().replace(microsecond=0) + timedelta(hours=0)
        return Staff(Principal(stored.client, "j", "k", now, now, issued.credential_id), "r-1")

    def free(self) -> ControlRoom:
        """Return a room over the same store without the rule, to set things up."""
        clock, store = self.room.clock, self.room.store
        return make_room(self.directory, clock, store=store, key_wrap=WRAP)  # type: ignore[arg-type]

    async def rows(self) -> list[AuditEntry]:
        return [row.entry for row in await self.room.store.list_audit(after=0, limit=9999)]


WRAP = make_wrap()


@pytest.fixture(params=["memory", "database"])
async def world(request, tmp_path: Path, clock: FakeClock) -> AsyncIterator[World]:
    """Give that gateway, on each store."""
    store = None
    if request.param == "database":
        url = f"sqlite+aiosqlite:///{tmp_path / 'store.db'}"
        make_database(url)
        store = DatabaseStore.open(url)
    room = make_room(tmp_path, clock, store=store, key_wrap=WRAP, two_person=RULE)
    await room.keys.ensure_first()
    world = World(room, tmp_path)
    await world.fill()
    yield world
    await room.close()


async def propose(attempt: Awaitable[object]) -> Proposal:
    with pytest.raises(Proposed) as waiting:
        await attempt
    return waiting.value.proposal


Attempt = Callable[[World], Awaitable[object]]

ATTEMPTS: list[Attempt] = [
    lambda w: w.room.revocations.revoke(w.operator, RevocationKind.EVERYTHING),
    lambda w: w.room.revocations.revoke(LOCAL, RevocationKind.EVERYTHING),
    lambda w: w.room.clients.create(w.operator, CLEAR),
    lambda w: w.room.clients.change(w.operator, w.client_id, CLEAR),
    lambda w: w.room.clients.assign_role(w.owners[0], w.client_id, Role.AUDITOR),
    lambda w: w.room.clients.create(LOCAL, GRANTS, role=Role.OPERATOR),
]


@pytest.mark.parametrize("attempt", ATTEMPTS)
async def test_act_waits_for_the_other_owner(world: World, attempt: Attempt) -> None:
    """Nothing is done but a row and a proposal; approval does it once, with both names."""
    before = (await world.room.store.load()).clients, (await world.room.store.load()).revocations
    proposal = await propose(attempt(world))
    assert proposal.expires_at - proposal.created_at == timedelta(minutes=15)
    after = await world.room.store.load()
    assert (after.clients, after.revocations) == before
    proposed = (await world.rows())[-1]
    assert (proposed.outcome, proposed.target) == (Outcome.PROPOSED, proposal.proposal_id)
    assert proposed.actor == proposal.proposer
    approver = world.owners[1]
    decision = await world.room.approvals.approve(approver, proposal.proposal_id)
    assert decision.proposal.state is ProposalState.APPROVED
    done, approval = (await world.rows())[-2:]
    assert (done.actor, done.action) == (proposal.proposer, proposal.action)
    assert done.detail.endswith(f"approved by {approver.name}")
    assert (approval.actor, approval.action) == (approver.name, "proposal.approve")
    assert approval.detail == f"{proposal.action} proposed by {proposal.proposer}"
    changed = await world.room.store.load()
    assert (changed.clients, changed.revocations) != before
    assert world.room.snapshots.current().revision == changed.revision
    with pytest.raises(Conflict):
        await world.room.approvals.approve(approver, proposal.proposal_id)


async def test_acts_do_what_was_proposed(world: World) -> None:
    """The grants, the role and the time are those that were proposed."""
    room, (first, second) = world.room, world.owners
    rules = ScrubRules(Treatment.MASK, {"PHONE": Treatment.BLOCK})
    given = replace(GRANTS, plaintext_allowed=True, scrubbing=rules, masks_requests=True)
    waiting = await propose(room.clients.create(world.operator, given))
    decision = await room.approvals.approve(second, waiting.proposal_id)
    assert decision.issued is not None
    stored = await room.store.find_client(decision.issued.client_id)
    assert stored is not None
    assert stored.client.plaintext_allowed
    assert (stored.client.scrubbing, stored.client.masks_requests) == (rules, True)
    assert (stored.client.grants, stored.client.networks) == (GRANTS.grants, GRANTS.networks)
    waiting = await propose(room.clients.assign_role(first, world.client_id, Role.AUDITOR))
    decision = await room.approvals.approve(second, waiting.proposal_id)
    assert decision.issued is not None
    good = [
        c.credential_id
        for c in await room.store.list_credentials(world.client_id)
        if c.revoked_at is None
    ]
    assert good == [decision.issued.credential_id]
    since = room.clock() - timedelta(hours=1)
    attempt = room.revocations.revoke(
        world.operator, RevocationKind.EVERYTHING, issued_before=since
    )
    waiting = await propose(attempt)
    await room.approvals.approve(second, waiting.proposal_id)
    cut = room.snapshots.current().revocations.everything
    assert cut is not None
    assert cut < since


async def test_proposal_keeps_credential_and_quota(world: World) -> None:
    """A client is created with the credential that was proposed, or none, and keeps its limits."""
    room, second = world.room, world.owners[1]
    subject = parse_subject("dns:app.example")
    for proof in (subject, None):
        attempt = room.clients.register(world.operator, CLEAR, proof=proof)
        waiting = await propose(attempt)
        known = {stored.client.client_id for stored in (await room.store.load()).clients}
        decision = await room.approvals.approve(second, waiting.proposal_id)
        assert decision.issued is None
        clients = {stored.client.client_id for stored in (await room.store.load()).clients}
        (name,) = clients - known
        made = [(c.kind, c.verifier) for c in await room.store.list_credentials(name)]
        assert made == ([tuple(subject)] if proof else [])
    limited = ClientGrants(quota={"tokens_per_day": 5})
    await room.clients.change(world.operator, world.client_id, limited)
    change = replace(CLEAR, quota={"requests_per_minute": 2})
    waiting = await propose(room.clients.change(world.operator, world.client_id, change))
    await room.approvals.approve(second, waiting.proposal_id)
    client = (await room.clients.get(LOCAL, world.client_id)).client
    assert client.quota == Quota(requests_per_minute=2, tokens_per_day=5)
    assert client.plaintext_allowed


async def test_other_acts_do_not_wait(world: World) -> None:
    """What the rule does not name is done at once, also by the gateway itself."""
    room = world.room
    await room.clients.create(world.operator, GRANTS)
    await room.clients.change(world.operator, world.client_id, GRANTS)
    await room.revocations.revoke(world.operator, RevocationKind.CLIENT_ID, subject=world.client_id)
    await room.revocations.revoke(System(), RevocationKind.EVERYTHING)
    assert await room.approvals.list_page(LOCAL) == []


async def test_what_cannot_be_done_is_not_proposed(world: World) -> None:
    """An act that would be refused is refused at once."""
    room = world.room
    for attempt, refusal in (
        (room.clients.assign_role(world.owners[0], "c-unknown", Role.AUDITOR), NotFound),
        (room.clients.assign_role(world.operator, world.client_id, Role.OWNER), PermissionDenied),
        (
            room.clients.assign_role(world.owners[0], world.owners[0].client_id, Role.AUDITOR),
            PermissionDenied,
        ),
        (room.clients.change(world.operator, world.owners[0].client_id, CLEAR), PermissionDenied),
    ):
        with pytest.raises(refusal):
            await attempt
    assert await room.approvals.list_page(LOCAL) == []


async def test_who_may_decide(world: World) -> None:
    """Only an enabled owner with a token, and never who proposed it."""
    room, (first, second) = world.room, world.owners
    waiting = await propose(room.clients.assign_role(first, world.client_id, Role.AUDITOR))
    for decide in (room.approvals.approve, room.approvals.reject):
        for someone in (first, LOCAL, LocalOperator(), System(), world.operator):
            with pytest.raises(PermissionDenied):
                await decide(someone, waiting.proposal_id)
    with pytest.raises(PermissionDenied, match="no second person"):
        await room.approvals.approve(LOCAL, waiting.proposal_id)
    with pytest.raises(NotFound):
        await room.approvals.approve(second, "p-unknown")
    third = await world.free().clients.create(LOCAL, GRANTS, role=Role.OWNER)
    assert third
    await room.clients.disable(LOCAL, second.client_id)
    with pytest.raises(PermissionDenied):
        await room.approvals.approve(second, waiting.proposal_id)
    (stored,) = await room.approvals.list_page(first)
    assert stored.state is ProposalState.PENDING


async def test_rejected_is_over(world: World) -> None:
    """A rejected proposal does nothing and cannot be approved; both names are written down."""
    room, (first, second) = world.room, world.owners
    waiting = await propose(room.clients.assign_role(first, world.client_id, Role.AUDITOR))
    decision = await room.approvals.reject(second, waiting.proposal_id)
    assert (decision.proposal.state, decision.issued) == (ProposalState.REJECTED, None)
    assert decision.proposal.decided_by == second.name
    row = (await world.rows())[-1]
    assert (row.action, row.detail) == (
        "proposal.reject",
        f"client.assign-role proposed by {first.name}",
    )
    with pytest.raises(Conflict):
        await room.approvals.approve(second, waiting.proposal_id)


async def test_expired_is_over(world: World, clock: FakeClock) -> None:
    """After its minutes a proposal can no longer be decided."""
    room, (first, second) = world.room, world.owners
    waiting = await propose(room.clients.assign_role(first, world.client_id, Role.AUDITOR))
    clock.now = waiting.expires_at
    await room.snapshots.refresh()
    for decide in (room.approvals.approve, room.approvals.reject):
        with pytest.raises(Conflict, match="expired"):
            await decide(second, waiting.proposal_id)


async def test_two_approvals_at_once_are_one_act(world: World) -> None:
    """Of two owners who approve at the same moment one finds it decided."""
    room, (first, second) = world.room, world.owners
    free = world.free()
    third = await world.staff(Role.OWNER, free)
    waiting = await propose(room.clients.create(first_operator(world), CLEAR))
    results: list[Decision | BaseException] = await asyncio.gather(
        *(room.approvals.approve(owner, waiting.proposal_id) for owner in (first, second, third)),
        return_exceptions=True,
    )
    assert sum(isinstance(result, Decision) for result in results) == 1
    assert sum(isinstance(result, Conflict) for result in results) == 2
    rows = [row for row in await world.rows() if "approved by" in row.detail]
    assert len(rows) == 1


def first_operator(world: World) -> Staff:
    return world.operator


Void = Callable[[World], Awaitable[object]]


@pytest.mark.parametrize(
    ("make_void", "refusal"),
    [
        (lambda w: w.room.clients.disable(LOCAL, w.operator.client_id), PermissionDenied),
        (
            lambda w: w.free().clients.assign_role(LOCAL, w.operator.client_id, Role.AUDITOR),
            PermissionDenied,
        ),
        (
            lambda w: w.room.revocations.revoke(
                LOCAL, RevocationKind.CLIENT_ID, subject=w.operator.client_id
            ),
            PermissionDenied,
        ),
        (
            lambda w: w.room.credentials.revoke(
                LOCAL, w.operator.client_id, w.operator.principal.credential_id
            ),
            PermissionDenied,
        ),
        (
            lambda w: w.room.revocations.revoke(LOCAL, RevocationKind.ROLE, subject="operator"),
            PermissionDenied,
        ),
        (
            lambda w: w.free().revocations.revoke(LOCAL, RevocationKind.EVERYTHING),
            PermissionDenied,
        ),
        (lambda w: w.room.clients.change(LOCAL, w.client_id, GRANTS), VersionMismatch),
        (lambda w: w.room.clients.disable(LOCAL, w.client_id), VersionMismatch),
    ],
)
async def test_what_makes_a_proposal_void(
    world: World, make_void: Void, refusal: type[SealgateError]
) -> None:
    """A proposer who may act no more, or a client that was changed: nothing is done."""
    room = world.room
    waiting = await propose(room.clients.change(world.operator, world.client_id, CLEAR))
    await make_void(world)
    await room.snapshots.refresh()
    with pytest.raises(refusal):
        await room.approvals.approve(world.owners[1], waiting.proposal_id)
    stored = await room.store.find_client(world.client_id)
    assert stored is not None
    assert not stored.client.plaintext_allowed
    row = (await world.rows())[-1]
    assert (row.action, row.outcome) == ("proposal.approve", Outcome.REFUSED)


async def test_one_owner_alone(world: World) -> None:
    """With one enabled owner staff is refused, and the local operator goes on, on record."""
    room = world.room
    await room.clients.disable(LOCAL, world.owners[1].client_id)
    with pytest.raises(ApprovalNeeded):
        await room.clients.assign_role(world.owners[0], world.client_id, Role.AUDITOR)
    with pytest.raises(ApprovalNeeded):
        await room.clients.create(world.operator, CLEAR)
    await room.clients.create(LOCAL, GRANTS, role=Role.OWNER)
    row = (await world.rows())[-1]
    assert (row.actor, row.detail) == ("local", "owner; alone: fewer than two enabled owners")
    waiting = await propose(room.clients.create(LOCAL, GRANTS, role=Role.OWNER))
    assert waiting.proposer == "local"


async def test_old_proposals_are_forgotten(world: World, clock: FakeClock) -> None:
    """Thirty days after it was decided, or expired, a proposal goes."""
    room, (first, second) = world.room, world.owners
    waiting = await propose(room.clients.assign_role(first, world.client_id, Role.AUDITOR))
    await room.approvals.reject(second, waiting.proposal_id)
    clock.advance(days=30)
    assert await room.approvals.forget_old() == 0
    clock.advance(seconds=1)
    assert await room.approvals.forget_old() == 1


async def test_proposals_are_listed_by_time(world: World, clock: FakeClock) -> None:
    """Operators and owners see them, oldest first and page by page; auditors read the trail."""
    room = world.room
    made = []
    for _ in range(3):
        made.append((await propose(room.clients.create(world.operator, CLEAR))).proposal_id)
        clock.advance(seconds=1)
    listed = await room.approvals.list_page(world.operator, limit=2)
    listed = [*listed, *await room.approvals.list_page(LOCAL, after=listed[-1].proposal_id)]
    assert [proposal.proposal_id for proposal in listed] == made
    auditor = await world.staff(Role.AUDITOR, world.free())
    with pytest.raises(PermissionDenied):
        await room.approvals.list_page(auditor)
