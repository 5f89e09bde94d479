"""Keys over HTTP: never a byte of one."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path

from gateway.api.admin.session import Caller, Limit, Room, Skip
from gateway.api.admin.shapes import KeyOut, Page
from gateway.core.keyring import KeyUse

ROUTER = APIRouter(prefix="/keys", tags=["keys"])


@ROUTER.get("")
async def list_keys(
    caller: Caller, room: Room, *, skip: Skip = 0, limit: Limit = 50
) -> Page[KeyOut]:
    """List all keys in the order of their creation."""
    keys = await room.keys.list_all(caller)
    items = [KeyOut.of(key) for key in keys[skip : skip + limit]]
    return Page(items=items, next=str(skip + limit) if len(keys) > skip + limit else None)


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
