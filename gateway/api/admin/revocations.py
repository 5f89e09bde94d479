"""Revocations over HTTP."""

from __future__ import annotations

from fastapi import APIRouter

from gateway.api.admin.session import Caller, Limit, Room, Skip
from gateway.api.admin.shapes import Page, RevocationIn, RevocationOut

ROUTER = APIRouter(prefix="/revocations", tags=["revocations"])


@ROUTER.get("")
async def list_revocations(
    caller: Caller, room: Room, *, skip: Skip = 0, limit: Limit = 50
) -> Page[RevocationOut]:
    """List the revocations that still count, oldest first."""
    found = await room.revocations.list_page(caller, skip=skip, limit=limit + 1)
    items = [RevocationOut.of(revocation) for revocation in found[:limit]]
    return Page(items=items, next=str(skip + limit) if len(found) > limit else None)


@ROUTER.post("", status_code=201)
async def create_revocation(caller: Caller, room: Room, body: RevocationIn) -> RevocationOut:
    """Withdraw a token, all tokens of a client, or a key; durable before this answer."""
    revocation = await room.revocations.revoke(caller, body.kind, subject=body.subject)
    return RevocationOut.of(revocation)
