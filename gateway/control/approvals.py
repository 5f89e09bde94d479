"""Proposals: listed, and approved or rejected by another owner than who proposed them.

An approved act is done in the transaction of its approval, as the act of its proposer, who must
still be allowed to do it: a role that was lost, tokens that were withdrawn or a client that was
changed since then make the proposal void. Of two approvals at once one finds it decided.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from pydantic import TypeAdapter
from pydantic_core import to_json

from gateway.control.actors import Actor, LocalOperator, Staff
from gateway.control.acts import Act, Action, Acts
from gateway.control.clients import ClientGrants, Clients, IssuedCredential
from gateway.control.credentials import Proof
from gateway.control.revocations import RevocationList
from gateway.control.two_person import find_token, parse_arguments
from gateway.core.errors import (
    Conflict,
    InvalidToken,
    NotFound,
    PermissionDenied,
    VersionMismatch,
)
from gateway.core.identity import Client, Confirmation, Principal, Role
from gateway.core.policy import Permission, verify_permission, verify_principal
from gateway.core.ports import ControlChange
from gateway.core.registry import Proposal, ProposalState, RevocationKind

KEEP_PROPOSALS: Final = timedelta(days=30)


class _Creation(NamedTuple):
    grants: ClientGrants
    role: Role
    proof: Proof | None


class _Change(NamedTuple):
    client_id: str
    grants: ClientGrants
    version: int


class _Assignment(NamedTuple):
    client_id: str
    role: Role
    version: int


class _Everything(NamedTuple):
    issued_before: datetime | None


_Call = _Creation | _Change | _Assignment | _Everything
_CALLS: Final[dict[str, TypeAdapter[_Call]]] = {
    Action.CREATE_CLIENT: TypeAdapter(_Creation),
    Action.CHANGE_CLIENT: TypeAdapter(_Change),
    Action.ASSIGN_ROLE: TypeAdapter(_Assignment),
    Action.REVOKE: TypeAdapter(_Everything),
}


class Decision(NamedTuple):
    """A decided proposal, and the credential that the approved act gave out, for the approver."""

    proposal: Proposal
    issued: IssuedCredential | None = None


class Approvals:
    """The use cases around proposals.

    Every method raises ``PermissionDenied`` for an actor without the right and ``StoreUnavailable``
    when the store does not answer. *clients* and *revocations* make the use cases over given acts.
    """

    def __init__(
        self,
        acts: Acts,
        *,
        clients: Callable[[Acts], Clients],
        revocations: Callable[[Acts], RevocationList],
    ) -> None:
        self._acts = acts
        self._clients = clients
        self._revocations = revocations

    async def list_page(
        self, actor: Actor, *, after: str = "", limit: int = 50
    ) -> Sequence[Proposal]:
        """Return up to *limit* proposals after *after*, oldest first."""
        self._acts.verify(actor, Permission.READ_PROPOSALS)
        return await self._acts.store.list_proposals(after=after, limit=limit)

    async def approve(self, actor: Actor, proposal_id: str) -> Decision:
        """Do what was proposed. Raises ``NotFound``, and ``Conflict`` when it was decided, expired.

        Also raises whatever the act itself raises, and ``VersionMismatch`` when its client was
        changed since; then nothing was done and the proposal stays as it was.
        """
        act = Act(Action.APPROVE_PROPOSAL, proposal_id)
        async with self._acts.several(actor, Permission.DECIDE_PROPOSALS, act) as change:
            approver, proposal = await self._open(change, actor, proposal_id)
            proposer = await self._proposer(change, proposal, request_id=approver.request_id)
            issued = await self._perform(
                change, proposer, proposal, note=f"approved by {approver.name}"
            )
            decided = await self._close(change, approver, proposal, act=act)
        return Decision(decided, issued)

    async def reject(self, actor: Actor, proposal_id: str) -> Decision:
        """End a proposal without doing it. Raises ``NotFound``, ``Conflict``."""
        act = Act(Action.REJECT_PROPOSAL, proposal_id)
        async with self._acts.several(actor, Permission.DECIDE_PROPOSALS, act) as change:
            owner, proposal = await self._open(change, actor, proposal_id)
            decided = await self._close(change, owner, proposal, act=act)
        return Decision(decided)

    async def forget_old(self) -> int:
        """Remove what was decided, or expired, 30 days ago; return how many. Background task."""
        before = self._acts.clock() - KEEP_PROPOSALS
        return await self._acts.store.remove_proposals(before=before)

    async def _open(
        self, change: ControlChange, actor: Actor, proposal_id: str
    ) -> tuple[Staff, Proposal]:
        """Return the owner who decides, as they are now, and a proposal that can be decided."""
        if not isinstance(actor, Staff):
            raise PermissionDenied(
                "A proposal is decided by an owner with an access token, through the admin API; "
                "who sits at the gateway's machine is no second person."
            )
        proposal = await change.find_proposal(proposal_id)
        if proposal is None:
            raise NotFound
        if proposal.state is not ProposalState.PENDING:
            raise Conflict("This proposal was decided already.")
        if proposal.expires_at <= self._acts.clock():
            raise Conflict("This proposal has expired.")
        if proposal.proposer == actor.name:
            raise PermissionDenied("A proposal is decided by another owner than its proposer.")
        stored = await change.find_client(actor.client_id)
        if stored is None or stored.client.disabled:
            raise PermissionDenied
        principal = replace(actor.principal, client=stored.client)
        verify_permission(principal, Permission.DECIDE_PROPOSALS)
        return Staff(principal, actor.request_id), proposal

    async def _proposer(
        self, change: ControlChange, proposal: Proposal, *, request_id: str
    ) -> Actor:
        """Return the proposer as it is now. Raises ``PermissionDenied`` when it may act no more.

        The token may have expired meanwhile, or been given back by its own client: only what cuts
        all tokens of the client, its credential, role or key makes the proposal void.
        """
        token = find_token(proposal)
        if token is None:
            return LocalOperator(request_id)
        client_id = proposal.proposer.removeprefix("client:")
        stored = await change.find_client(client_id)
        clients = {} if stored is None else {client_id: stored.client}
        principal = Principal(
            clients.get(client_id) or Client(client_id, Role.APPLICATION),
            jti="",
            kid=token.kid,
            issued_at=token.issued_at,
            expires_at=token.issued_at,
            credential_id=token.credential_id,
            confirmation=Confirmation(token.jkt, token.x5t_s256),
        )
        try:
            verify_principal(principal, replace(self._acts.snapshots.current(), clients=clients))
        except InvalidToken:
            raise PermissionDenied("Who proposed this may act no more.") from None
        return Staff(principal, request_id)

    async def _perform(
        self, change: ControlChange, proposer: Actor, proposal: Proposal, *, note: str
    ) -> IssuedCredential | None:
        within = self._acts.within(change, note)
        call = _CALLS[proposal.action].validate_json(to_json(parse_arguments(proposal)))
        if isinstance(call, _Change | _Assignment):
            stored = await change.find_client(call.client_id)
            if stored is None or stored.version != call.version:
                raise VersionMismatch("The client was changed since this was proposed.")
        if isinstance(call, _Creation):
            registered = await self._clients(within).register(
                proposer, call.grants, role=call.role, proof=call.proof
            )
            return registered.issued
        if isinstance(call, _Change):
            await self._clients(within).change(proposer, call.client_id, call.grants)
        elif isinstance(call, _Assignment):
            done = await self._clients(within).assign_role(proposer, call.client_id, call.role)
            return done.issued
        else:
            await self._revocations(within).revoke(
                proposer, RevocationKind.EVERYTHING, issued_before=call.issued_before
            )
        return None

    async def _close(
        self, change: ControlChange, owner: Staff, proposal: Proposal, *, act: Act
    ) -> Proposal:
        """Write down how *proposal* ended, and who ended it, besides who proposed it."""
        is_approved = act.action is Action.APPROVE_PROPOSAL
        decided = replace(
            proposal,
            state=ProposalState.APPROVED if is_approved else ProposalState.REJECTED,
            decided_by=owner.name,
            decided_at=self._acts.clock(),
        )
        await change.save_proposal(decided)
        detail = f"{proposal.action} proposed by {proposal.proposer}"
        await self._acts.record(change, owner, act._replace(detail=detail))
        return decided
