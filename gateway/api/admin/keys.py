"""Keys over HTTP: never a byte of one."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query

from gateway.api.admin.session import Caller, Limit, Room
from gateway.api.admin.shapes import KeyOut, Page
from gateway.core.keyring import KeyUse

ROUTER = APIRouter(prefix="/keys", tags=["keys"])

Kid = Annotated[str, Query(max_length=64)]


@ROUTER.get("")
async def list_keys(
    caller: Caller, room: Room, *, after: Kid = "", limit: Limit = 50
) -> Page[KeyOut]:
    """List all keys in the order of their creation."""
    found = await room.keys.list_page(caller, after=after, limit=limit + 1)
    items = [KeyOut.of(key) for key in found[:limit]]
    return Page(items=items, next=items[-1].kid if len(found) > limit else None)


@ROUTER.post("/rewrap")
async def rewrap_keys(caller: Caller, room: Room) -> Page[KeyOut]:
    """Wrap every usable key anew, after a rotation of the wrapping key. No key changes."""
    keys = await room.rewrapping.rewrap(caller)
    return Page(items=[KeyOut.of(key) for key in keys], next=None)


@ROUTER.post("/{use}/rotate")
async def rotate_keys(caller: Caller, room: Room, use: KeyUse) -> Page[KeyOut]:
    """Make new keys. All but the document key are pending until ``activates_at``."""
    keys = await room.keys.rotate(caller, use)
    return Page(items=[KeyOut.of(key) for key in keys], next=None)


@ROUTER.post("/{kid}/revoke")
async def revoke_key(
    caller: Caller, room: Room, kid: Annotated[str, Path(max_length=64)], *, drain: bool = False
) -> KeyOut:
    """Withdraw a key at once. Running streams are cut; with *drain* they may finish."""
    return KeyOut.of(await room.keys.revoke(caller, kid, drain=drain))
