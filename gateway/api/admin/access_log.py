"""The access log over HTTP: read and checked by auditors, purged by operators."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime

from gateway.api.admin.session import Caller, Limit, Room
from gateway.api.admin.shapes import AccessRecordOut, DaysOut, Page, SegmentOut
from gateway.core.access_log import LogSpan
from gateway.core.errors import InvalidMember

ROUTER = APIRouter(prefix="/access-log", tags=["access-log"])

# Of one millisecond are never that many records; what is skipped is in memory with what is read.
_PLACE: Final = re.compile(r"([0-9]{1,14})-([0-9]{1,5})", re.ASCII)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def parse_span(
    room: Room,
    *,
    since: Annotated[AwareDatetime | None, Query(alias="from")] = None,
    until: Annotated[AwareDatetime | None, Query(alias="to")] = None,
    after: Annotated[str | None, Query(max_length=32)] = None,
) -> LogSpan:
    """Return the span that a call asks for; without moments everything that is kept.

    Raises ``InvalidMember`` for an *after* that no page had.
    """
    # Bounded on both sides, as the first and the last moments there are have no other zone.
    last = room.clock() + timedelta(days=1)
    span = LogSpan(max(since or _EPOCH, _EPOCH), min(until or last, last))
    return span if after is None else _parse_place(after, span)


Span = Annotated[LogSpan, Depends(parse_span)]


@ROUTER.get("")
async def read(
    caller: Caller, room: Room, span: Span, *, limit: Limit = 100
) -> Page[AccessRecordOut]:
    """Read the records from one moment to another, in the order of their times.

    Records of the last second may still come late.
    """
    found = await room.retention.read(caller, span, limit=limit + 1)
    rest = span.after(found[:limit])
    items = [AccessRecordOut.of(record) for record in found[:limit]]
    return Page(items=items, next=_place(rest) if len(found) > limit else None)


@ROUTER.get("/days")
async def list_days(caller: Caller, room: Room) -> DaysOut:
    """List the days that have a log."""
    return DaysOut(days=list(await room.retention.list_days(caller)))


@ROUTER.get("/segments")
async def verify(caller: Caller, room: Room) -> Page[SegmentOut]:
    """Check every segment of this host's log, frame by frame."""
    reports = await room.retention.verify(caller)
    return Page(items=[SegmentOut.of(report) for report in reports], next=None)


@ROUTER.post("/purge")
async def purge(
    caller: Caller,
    room: Room,
    *,
    older_than_days: Annotated[int | None, Query(ge=0, le=36500)] = None,
) -> DaysOut:
    """Destroy logs that are older than so many days; the retention when none is given."""
    return DaysOut(days=list(await room.retention.purge(caller, older_than_days=older_than_days)))


def _place(span: LogSpan) -> str:
    """Return where *span* begins: milliseconds, and how many records of that moment were shown."""
    return f"{(span.since - _EPOCH) // timedelta(milliseconds=1)}-{span.skip}"


def _parse_place(text: str, span: LogSpan) -> LogSpan:
    match = _PLACE.fullmatch(text)
    if match is None:
        raise InvalidMember(faults=(("after", "is what a page had as next"),))
    since = _EPOCH + timedelta(milliseconds=int(match[1]))
    return LogSpan(max(since, span.since), span.until, int(match[2]))
