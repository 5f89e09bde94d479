"""The access log over HTTP: read by auditors, purged by operators."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query

from gateway.api.admin.session import Caller, Limit, Room, Skip
from gateway.api.admin.shapes import AccessRecordOut, DaysOut, Page

ROUTER = APIRouter(prefix="/access-log", tags=["access-log"])


@ROUTER.get("")
async def list_days(caller: Caller, room: Room) -> DaysOut:
    """List the days that have a log."""
    return DaysOut(days=list(await room.retention.list_days(caller)))


@ROUTER.get("/{day}")
async def read_day(
    caller: Caller, room: Room, day: date, *, skip: Skip = 0, limit: Limit = 100
) -> Page[AccessRecordOut]:
    """Read the records of one day in the order in which they were written."""
    found = await room.retention.read(caller, day, skip=skip, limit=limit + 1)
    items = [AccessRecordOut.of(record) for record in found[:limit]]
    return Page(items=items, next=str(skip + limit) if len(found) > limit else None)


@ROUTER.post("/purge")
async def purge(
    caller: Caller,
    room: Room,
    *,
    older_than_days: Annotated[int | None, Query(ge=0, le=36500)] = None,
) -> DaysOut:
    """Delete logs that are older than so many days; the retention when none is given."""
    return DaysOut(days=list(await room.retention.purge(caller, older_than_days=older_than_days)))
