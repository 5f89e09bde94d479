"""The audit trail over HTTP. For auditors; every call of these has a row of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Annotated, Final, Self

from fastapi import APIRouter, Query
from starlette.responses import StreamingResponse

from gateway.api.admin.session import Caller, Limit, Room
from gateway.api.admin.shapes import Page, Shape
from gateway.core.audit import AuditRow, Outcome
from gateway.core.audit_lines import encode_head, encode_line, parse_head

ROUTER = APIRouter(prefix="/audit", tags=["audit"])
JSON_LINES: Final = "application/jsonl"

After = Annotated[int, Query(ge=0, le=2**53)]
Head = Annotated[str | None, Query(max_length=128, description="A noted head, NUMBER:DIGEST.")]


class AuditRowOut(Shape):
    """One act in its place in the trail."""

    number: int
    at: datetime
    actor: str
    action: str
    target: str
    outcome: Outcome
    request_id: str
    detail: str
    digest: str

    @classmethod
    def of(cls, row: AuditRow) -> Self:
        """Return the shape of *row*."""
        entry = row.entry
        return cls(
            number=row.number,
            at=entry.at,
            actor=entry.actor,
            action=entry.action,
            target=entry.target,
            outcome=entry.outcome,
            request_id=entry.request_id,
            detail=entry.detail,
            digest=row.digest,
        )


class VerifiedOut(Shape):
    """A trail that is whole. Note *head* somewhere else and give it to the next check."""

    rows: int
    head: str


@ROUTER.get("")
async def list_audit(
    caller: Caller, room: Room, *, after: After = 0, limit: Limit = 50
) -> Page[AuditRowOut]:
    """List rows in the order in which they were written."""
    found = await room.audit.list_page(caller, after=after, limit=limit + 1)
    items = [AuditRowOut.of(row) for row in found[:limit]]
    return Page(items=items, next=str(items[-1].number) if len(found) > limit else None)


@ROUTER.get("/verify")
async def verify_audit(caller: Caller, room: Room, *, head: Head = None) -> VerifiedOut:
    """Check the whole trail, and that it goes on from *head*. A broken one is problem+json."""
    noted = None if head is None else parse_head(head)
    verified = await room.audit.verify(caller, noted=noted)
    return VerifiedOut(rows=verified.number, head=encode_head(verified))


@ROUTER.get("/export", response_class=StreamingResponse)
async def export_audit(caller: Caller, room: Room) -> StreamingResponse:
    """Send the whole trail as JSON Lines, which ``sealgate audit verify --file`` can check."""
    pages = await room.audit.export(caller)
    return StreamingResponse(_lines(pages), media_type=JSON_LINES)


async def _lines(pages: AsyncIterator[Sequence[AuditRow]]) -> AsyncIterator[bytes]:
    async for rows in pages:
        yield b"".join(map(encode_line, rows))
