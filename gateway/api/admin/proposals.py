"""Acts that wait for a second person, over HTTP: listed by staff, decided by another owner."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Self

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from gateway.api.admin.credential_shapes import IssuedOut
from gateway.api.admin.session import Caller, Limit, Room
from gateway.api.admin.shapes import Page, Shape
from gateway.control.approvals import Decision
from gateway.control.two_person import Proposed, parse_arguments
from gateway.core.registry import Proposal, ProposalState

ROUTER = APIRouter(prefix="/proposals", tags=["proposals"])

ProposalId = Annotated[str, Path(max_length=64)]
After = Annotated[str, Query(max_length=64)]


class ProposalOut(Shape):
    """An act that waits for a second person, or waited. After *expires_at* it is void."""

    proposal_id: str
    action: str
    arguments: dict[str, Any]
    proposer: str
    created_at: datetime
    expires_at: datetime
    state: ProposalState
    decided_by: str | None
    decided_at: datetime | None

    @classmethod
    def of(cls, proposal: Proposal) -> Self:
        """Return the shape of *proposal*."""
        return cls(
            proposal_id=proposal.proposal_id,
            action=proposal.action,
            arguments=parse_arguments(proposal),
            proposer=proposal.proposer,
            created_at=proposal.created_at,
            expires_at=proposal.expires_at,
            state=proposal.state,
            decided_by=proposal.decided_by,
            decided_at=proposal.decided_at,
        )


class DecisionOut(Shape):
    """A decided proposal. A credential that the act gave out is in this answer and nowhere else."""

    proposal: ProposalOut
    credential: IssuedOut | None = None

    @classmethod
    def of(cls, decision: Decision) -> Self:
        """Return the shape of *decision*."""
        issued = decision.issued
        credential = None if issued is None else IssuedOut.of(issued)
        return cls(proposal=ProposalOut.of(decision.proposal), credential=credential)


async def answer_proposed(_request: Request, waiting: Exception) -> Response:
    """Answer 202 (RFC 9110 §15.3.3) to an act that became a proposal."""
    assert isinstance(waiting, Proposed)
    body = ProposalOut.of(waiting.proposal).model_dump_json()
    return Response(body, 202, {"Cache-Control": "no-store"}, media_type="application/json")


@ROUTER.get("")
async def list_proposals(
    caller: Caller, room: Room, *, after: After = "", limit: Limit = 50
) -> Page[ProposalOut]:
    """List proposals, oldest first; decided and expired ones for 30 days."""
    found = await room.approvals.list_page(caller, after=after, limit=limit + 1)
    items = [ProposalOut.of(proposal) for proposal in found[:limit]]
    return Page(items=items, next=items[-1].proposal_id if len(found) > limit else None)


@ROUTER.post("/{proposal_id}/approve")
async def approve(caller: Caller, room: Room, proposal_id: ProposalId) -> DecisionOut:
    """Do what was proposed. For another enabled owner than the proposer."""
    return DecisionOut.of(await room.approvals.approve(caller, proposal_id))


@ROUTER.post("/{proposal_id}/reject")
async def reject(caller: Caller, room: Room, proposal_id: ProposalId) -> DecisionOut:
    """End a proposal without doing it. For another enabled owner than the proposer."""
    return DecisionOut.of(await room.approvals.reject(caller, proposal_id))
