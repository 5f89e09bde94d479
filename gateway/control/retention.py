"""Retention: the access log is read by auditors and kept for seven days, then destroyed.

Seven days are the day of writing and the six that follow it, in UTC: no record is older than seven
times 24 hours, and the hour between two looks of the background task.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from gateway.control.actors import Actor, System
from gateway.control.acts import Act, Action, Acts
from gateway.control.snapshot import MonotonicClock
from gateway.core.access_log import AccessRecord, LogSpan, SegmentReport
from gateway.core.access_log_ports import AccessLogArchive
from gateway.core.errors import MalformedRequest
from gateway.core.policy import Permission
from gateway.core.steady_time import SteadyTime

DEFAULT_KEEP_DAYS = 7


class Retention:
    """The use cases around the access log.

    Methods that take an actor raise ``PermissionDenied`` for one without the right; all raise
    ``StoreUnavailable`` when the files cannot be read or deleted. Reading and purging have their
    row in the audit trail before they are done.
    """

    def __init__(
        self,
        archive: AccessLogArchive,
        acts: Acts,
        *,
        monotonic: MonotonicClock,
        keep_days: int = DEFAULT_KEEP_DAYS,
    ) -> None:
        if keep_days < 1:
            raise ValueError("the access log is kept for at least a day")
        self._archive = archive
        self._acts = acts
        self._clock = acts.clock
        self._monotonic = monotonic
        self._keep_days = keep_days
        self._time: SteadyTime | None = None

    async def list_days(self, actor: Actor) -> Sequence[date]:
        """Return the days that have a log, oldest first."""
        self._acts.verify(actor, Permission.READ_ACCESS_LOG)
        return await self._archive.days()

    async def read(
        self, actor: Actor, span: LogSpan, *, limit: int = 100
    ) -> Sequence[AccessRecord]:
        """Return up to *limit* records of *span* in the order of their times.

        Those of the last half second may come late. Raises ``MalformedRequest`` for a span that
        ends before it begins.
        """
        if span.until < span.since:
            raise MalformedRequest("A span of time begins before it ends.")
        await self._declare_reading(actor, f"{span.since.isoformat()} to {span.until.isoformat()}")
        return await self._archive.read(span, limit=limit)

    async def verify(self, actor: Actor) -> Sequence[SegmentReport]:
        """Return what a check of every segment that is not yet due to be purged found."""
        await self._declare_reading(actor, "verify")
        first = self._first_kept(self._clock(), self._keep_days - 1)
        return [report for report in await self._archive.verify() if report.day >= first]

    async def purge(self, actor: Actor, *, older_than_days: int | None = None) -> Sequence[date]:
        """Destroy logs older than that many days (default: the retention); return their days.

        Zero destroys all but today's. Days after tomorrow, which a clock that was ahead has dated,
        always go. Goes by the clock as it is: whoever asks is to look at it. Raises
        ``MalformedRequest`` below zero.
        """
        days = self._keep_days - 1 if older_than_days is None else older_than_days
        if days < 0:
            raise MalformedRequest("A number of days is zero or more.")
        now = self._clock()
        return await self._purge(actor, self._first_kept(now, days), after=_tomorrow(now))

    async def purge_expired(self) -> Sequence[date]:
        """Destroy what the retention says; return its days. Background task, hourly.

        Goes by a time that a jump of the clock does not move (``core.steady_time``).
        """
        now = await self._trusted_now()
        first = self._first_kept(now, self._keep_days - 1)
        # A day that is still to come was dated by a clock that was ahead, and would never be due.
        last = _tomorrow(max(now, self._clock()))
        due = any(not first <= day <= last for day in await self._archive.days())
        return await self._purge(System(), first, after=last) if due else []

    async def _trusted_now(self) -> datetime:
        if self._time is None:
            self._time = SteadyTime(await self._archive.find_mark())
        mark = self._time.feed(self._clock(), monotonic=self._monotonic())
        await self._archive.keep_mark(mark)
        return mark.reached

    async def _declare_reading(self, actor: Actor, detail: str) -> None:
        act = Act(Action.READ_ACCESS_LOG, "access-log", detail)
        await self._acts.declare(actor, Permission.READ_ACCESS_LOG, act)

    async def _purge(self, actor: Actor, before: date, *, after: date) -> Sequence[date]:
        act = Act(
            Action.PURGE_ACCESS_LOG, f"before {before.isoformat()}, after {after.isoformat()}"
        )
        await self._acts.declare(actor, Permission.PURGE_ACCESS_LOG, act)
        return await self._archive.purge(before=before, after=after)

    @staticmethod
    def _first_kept(now: datetime, days: int) -> date:
        try:
            return now.date() - timedelta(days=days)
        except OverflowError:  # before the year 1 there is nothing to keep
            return date.min


def _tomorrow(now: datetime) -> date:
    """Return the last day that may have a log: its segment is made some hours early."""
    return min(now.date(), date.max - timedelta(days=1)) + timedelta(days=1)
