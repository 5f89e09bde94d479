"""The configured models, and the roles, over HTTP: what there is to grant."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from gateway.api.admin.session import Caller, Limit, Room
from gateway.api.admin.shapes import ModelOut, Page, RoleInfoOut
from gateway.core.identity import Role

ROUTER = APIRouter(tags=["models"])

After = Annotated[str, Query(max_length=128)]


@ROUTER.get("/models")
async def list_models(
    caller: Caller, room: Room, *, after: After = "", limit: Limit = 50
) -> Page[ModelOut]:
    """List the configured models and LoRA adapters by name."""
    found = await room.models.list_page(caller, after=after, limit=limit + 1)
    items = [ModelOut.of(name, policy) for name, policy in found[:limit]]
    return Page(items=items, next=items[-1].name if len(found) > limit else None)


@ROUTER.get("/roles")
async def list_roles(_caller: Caller) -> Page[RoleInfoOut]:
    """List the roles and what each may do. For all staff; there are few, on one page."""
    return Page(items=[RoleInfoOut.of(role) for role in Role], next=None)
