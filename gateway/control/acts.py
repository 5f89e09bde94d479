"""The one door for administrative acts: permission, change, audit row, and the new snapshot.

An act and its row of the audit trail are one transaction: where the row cannot be written, nothing
was changed. A refused act leaves a row too. What is done outside of the store (a log that is read
or purged) has its row before it is done.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import Final, NamedTuple
from weakref import WeakKeyDictionary

from gateway.control.actors import Actor, Staff, System, verify_actor
from gateway.control.permission_uses import PermissionUses
from gateway.control.snapshot import SnapshotHolder
from gateway.control.two_person import (
    Plan,
    Proposed,
    SecondPersonNeeded,
    TwoPersonRule,
    encode_parameters,
)
from gateway.core.audit import AuditEntry, Outcome
from gateway.core.errors import ApprovalNeeded, CommitUnconfirmed, SealgateError, StoreUnavailable
from gateway.core.identity import Role
from gateway.core.policy import Permission
from gateway.core.ports import Clock, ControlChange, ControlStore
from gateway.core.registry import Proposal

NO_RULE: Final = TwoPersonRule()
# What acts are done to is named so, or is a head of the audit trail. Secrets of clients are longer.
_NAME: Final = re.compile(r"[A-Za-z0-9_:*#-]{1,48}|[0-9]{1,18}:[0-9a-f]{64}")
NO_NAME: Final = "?"
"""The target of a refused act that named what can have no name."""


class Action(StrEnum):
    """Every kind of act, as the audit trail names it."""

    CREATE_CLIENT = "client.create"
    CHANGE_CLIENT = "client.change"
    DISABLE_CLIENT = "client.disable"
    ENABLE_CLIENT = "client.enable"
    ASSIGN_ROLE = "client.assign-role"
    ADD_CREDENTIAL = "credential.add"
    REVOKE_CREDENTIAL = "credential.revoke"
    ROTATE_KEYS = "key.rotate"
    CREATE_KEY = "key.create"
    ACTIVATE_KEY = "key.activate"
    RETIRE_KEY = "key.retire"
    DESTROY_KEY = "key.destroy"
    REVOKE_KEY = "key.revoke"
    REWRAP_KEYS = "key.rewrap"
    REVOKE = "revocation.add"
    RECLAIM_PERMISSION = "permission.reclaim"
    RESTORE_PERMISSION = "permission.restore"
    PROPOSE = "proposal.create"
    APPROVE_PROPOSAL = "proposal.approve"
    REJECT_PROPOSAL = "proposal.reject"
    DRAIN_BACKEND = "backend.drain"
    UNDRAIN_BACKEND = "backend.undrain"
    READ_ACCESS_LOG = "access-log.read"
    PURGE_ACCESS_LOG = "access-log.purge"
    READ_AUDIT = "audit.read"
    BACK_UP = "store.back-up"
    RESTORE = "store.restore"


class Act(NamedTuple):
    """What is done to what. *detail* is a short text of ours, never a value that is secret."""

    action: Action
    target: str
    detail: str = ""


class Acts:
    """Performs acts for actors. Every method raises ``PermissionDenied``, ``StoreUnavailable``.

    *store*, *snapshots* and *clock* are there for the use cases to read; they write through
    :meth:`change` alone.
    """

    def __init__(
        self,
        store: ControlStore,
        snapshots: SnapshotHolder,
        *,
        clock: Clock,
        uses: PermissionUses,
        rule: TwoPersonRule = NO_RULE,
    ) -> None:
        self.store = store
        self.snapshots = snapshots
        self.clock = clock
        self._uses = uses
        self._rule = rule
        self._notes: WeakKeyDictionary[ControlChange, str] = WeakKeyDictionary()

    def verify(self, actor: Actor, permission: Permission) -> None:
        """Raise ``PermissionDenied`` unless *actor* holds *permission*; note that it was used."""
        verify_actor(actor, permission)
        if isinstance(actor, Staff):
            self._uses.note(actor.client_id, permission)

    @asynccontextmanager
    async def change(
        self, actor: Actor, permission: Permission, act: Act
    ) -> AsyncIterator[ControlChange]:
        """Open a transaction for *act*. It counts in this process when the context was left.

        A refusal raised inside rolls back and leaves a row that says so.
        """
        async with self.several(actor, permission, act) as change:
            yield change
            note = self._notes.pop(change, None)
            await self.record(change, actor, act if note is None else _with_note(act, note))

    @asynccontextmanager
    async def several(
        self, actor: Actor, permission: Permission, act: Act
    ) -> AsyncIterator[ControlChange]:
        """Open a transaction for several acts, of which the caller records each.

        *act* names them all in the row of a refusal. Raises ``Proposed`` when :meth:`ask` found
        that a second person is needed; nothing was changed then but the list of proposals.
        """
        try:
            self.verify(actor, permission)
            async with self.store.change() as change:
                yield change
        except CommitUnconfirmed:
            await self.snapshots.catch_up()  # it counts here too if it was made
            raise
        except StoreUnavailable:
            raise
        except SecondPersonNeeded as needed:
            raise Proposed(await self._propose(actor, act, needed.plan)) from None
        except SealgateError as refusal:
            await self._refuse(actor, act, refusal)
            raise
        await self.snapshots.catch_up()

    async def ask(self, change: ControlChange, actor: Actor, plan: Plan) -> None:
        """Go on only if no second person is needed for *plan*. To be called inside :meth:`change`.

        After the act's own checks, so that nothing is proposed that cannot be done. Raises
        ``ApprovalNeeded`` for staff while there are fewer than two enabled owners. The local
        operator, who has to name them, goes on then, and the row of the act says so.
        """
        if isinstance(actor, System) or not plan.reasons & self._rule.acts:
            return
        owners = await change.list_clients_of(Role.OWNER)
        if sum(not owner.client.disabled for owner in owners) >= 2:
            raise SecondPersonNeeded(plan)
        if isinstance(actor, Staff):
            raise ApprovalNeeded
        self._notes[change] = "alone: fewer than two enabled owners"

    def within(self, change: ControlChange, note: str) -> Acts:
        """Return acts that are done inside *change*, with *note* in their rows."""
        return _Within(self, change, note, uses=self._uses)

    async def _propose(self, actor: Actor, act: Act, plan: Plan) -> Proposal:
        now = self.clock()
        principal = actor.principal if isinstance(actor, Staff) else None
        proposal = Proposal(
            proposal_id=f"p-{int(now.timestamp() * 1000):012x}{secrets.token_hex(8)}",
            action=act.action.value,
            parameters=encode_parameters(plan, principal),
            proposer=actor.name,
            created_at=now,
            expires_at=now + self._rule.lifetime,
        )
        what = " ".join(filter(None, (act.action.value, act.target, act.detail)))
        row = Act(Action.PROPOSE, proposal.proposal_id, what)
        async with self.store.change() as change:
            await change.add_proposal(proposal)
            await self.record(change, actor, row, outcome=Outcome.PROPOSED)
        await self.snapshots.catch_up()
        return proposal

    async def record(
        self, change: ControlChange, actor: Actor, act: Act, *, outcome: Outcome = Outcome.DONE
    ) -> None:
        """Add a row for *act* to the transaction *change*: one of several acts in it."""
        await change.append_audit(self._entry(actor, act, outcome))

    async def declare(self, actor: Actor, permission: Permission, act: Act) -> None:
        """Write the row of an act that is about to be done outside of the store."""
        await self.admit(actor, permission, act)
        await self.store.note(self._entry(actor, act, Outcome.DONE))

    async def admit(self, actor: Actor, permission: Permission, act: Act) -> None:
        """Do what :meth:`verify` does; a refusal leaves a row."""
        try:
            self.verify(actor, permission)
        except SealgateError as refusal:
            await self._refuse(actor, act, refusal)
            raise

    async def _refuse(self, actor: Actor, act: Act, refusal: SealgateError) -> None:
        # What was not found may be anything: a secret, a token or a person in the wrong place.
        target = act.target if _NAME.fullmatch(act.target) else NO_NAME
        refused = act._replace(target=target, detail=refusal.code)
        await self.store.note(self._entry(actor, refused, Outcome.REFUSED))

    def _entry(self, actor: Actor, act: Act, outcome: Outcome) -> AuditEntry:
        return AuditEntry(
            at=self.clock(),
            actor=actor.name,
            action=act.action.value,
            target=act.target,
            outcome=outcome,
            request_id=actor.request_id,
            detail=act.detail,
        )


class _Within(Acts):
    """Acts inside a transaction that somebody else opened and commits: an approved proposal."""

    def __init__(
        self, acts: Acts, change: ControlChange, note: str, *, uses: PermissionUses
    ) -> None:
        super().__init__(acts.store, acts.snapshots, clock=acts.clock, uses=uses)
        self._change = change
        self._note = note

    @asynccontextmanager
    async def several(
        self,
        actor: Actor,
        permission: Permission,
        act: Act,  # noqa: ARG002  # the signature is that of every act
    ) -> AsyncIterator[ControlChange]:
        """Give the transaction. A refusal is written down by who opened it."""
        self.verify(actor, permission)
        self._notes[self._change] = self._note
        yield self._change


def _with_note(act: Act, note: str) -> Act:
    return act._replace(detail=f"{act.detail}; {note}" if act.detail else note)
