"""Revocations over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from gateway.api.admin.session import Caller, Limit, Room
from gateway.api.admin.shapes import Page, RevocationIn, RevocationOut

ROUTER = APIRouter(prefix="/revocations", tags=["revocations"])

After = Annotated[str, Query(max_length=192, description="The next of another page.")]


@ROUTER.get("")
async def list_revocations(
    caller: Caller, room: Room, *, after: After = "", limit: Limit = 50
) -> Page[RevocationOut]:
    """List the revocations that still count, by kind and subject."""
    kind, _, subject = after.partition(":")
    found = await room.revocations.list_page(caller, after=(kind, subject), limit=limit + 1)
    items = [RevocationOut.of(revocation) for revocation in found[:limit]]
    last = f"{items[-1].kind}:{items[-1].subject}" if len(found) > limit else None
    return Page(items=items, next=last)


@ROUTER.post("", status_code=201)
async def create_revocation(caller: Caller, room: Room, body: RevocationIn) -> RevocationOut:
    """Withdraw a token, all tokens of a client, credential or role, a key, or everything.

    With ``issued_before`` only what was issued before. Durable before this answer.
    """
    revocation = await room.revocations.revoke(
        caller, body.kind, subject=body.subject, issued_before=body.issued_before
    )
    return RevocationOut.of(revocation)
