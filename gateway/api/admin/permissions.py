"""The use of permissions over HTTP: what was not used for long, and what was withheld for it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Annotated, Self

from fastapi import APIRouter, Query
from pydantic import Field, StringConstraints

from gateway.api.admin.client_shapes import ClientOut
from gateway.api.admin.session import Caller, Limit, Room
from gateway.api.admin.shapes import Page, Shape
from gateway.control.permissions import MAX_IDLE_DAYS, HeldPermission

ROUTER = APIRouter(prefix="/permissions", tags=["permissions"])

Place = Annotated[str, Query(max_length=400, description="The member next of the page before.")]
IdleDays = Annotated[int, Query(ge=0, le=MAX_IDLE_DAYS)]


class HeldPermissionOut(Shape):
    """A permission of a client and its last use, to the day in UTC."""

    client_id: str
    permission: str
    granted_on: date
    last_used_on: date | None
    idle_days: int
    withheld: bool

    @classmethod
    def of(cls, held: HeldPermission) -> Self:
        """Return the shape of *held*."""
        return cls(**{name: getattr(held, name) for name in cls.model_fields})


class ReclaimIn(Shape):
    """After how many idle days a permission is withheld."""

    idle_days: Annotated[int, Field(ge=1, le=MAX_IDLE_DAYS)]
    dry_run: bool = False


class ReclaimedOut(Shape):
    """What was withheld, or would be."""

    dry_run: bool
    items: list[HeldPermissionOut]


class RestoreIn(Shape):
    """Which permission is given back to which client."""

    client_id: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    permission: Annotated[str, StringConstraints(min_length=1, max_length=256)]


@ROUTER.get("/usage")
async def list_usage(
    caller: Caller, room: Room, *, after: Place = "", limit: Limit = 50, idle_days: IdleDays = 0
) -> Page[HeldPermissionOut]:
    """List the permissions of all clients that were not used for so many days."""
    client_id, _, permission = after.partition(":")
    found = await room.permissions.list_usage(
        caller, after=(client_id, permission), limit=limit + 1, idle_days=idle_days
    )
    items = _items(found[:limit])
    last = items[-1] if len(found) > limit else None
    return Page(items=items, next=None if last is None else f"{last.client_id}:{last.permission}")


@ROUTER.post("/reclaim")
async def reclaim(caller: Caller, room: Room, body: ReclaimIn) -> ReclaimedOut:
    """Withhold every permission that was idle for so long; running answers of it are cut."""
    done = await room.permissions.reclaim(caller, idle_days=body.idle_days, dry_run=body.dry_run)
    return ReclaimedOut(dry_run=body.dry_run, items=_items(done))


@ROUTER.post("/restore")
async def restore(caller: Caller, room: Room, body: RestoreIn) -> ClientOut:
    """Give a withheld permission back. Those of staff are given back by owners."""
    return ClientOut.of(await room.permissions.restore(caller, body.client_id, body.permission))


def _items(found: Iterable[HeldPermission]) -> list[HeldPermissionOut]:
    return [HeldPermissionOut.of(held) for held in found]
