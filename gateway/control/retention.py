"""Retention: the access log is read by auditors and kept for seven days, then deleted."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date, timedelta

from gateway.control.actors import Actor, System
from gateway.control.acts import Act, Action, Acts
from gateway.core.access_log import AccessRecord
from gateway.core.errors import MalformedRequest
from gateway.core.policy import Permission
from gateway.core.ports import AccessLogArchive

DEFAULT_KEEP_DAYS = 7


class Retention:
    """The use cases around the access log. Files are read and deleted off the event loop.

    Methods that take an actor raise ``PermissionDenied`` for one without the right; all raise
    ``StoreUnavailable`` when the files cannot be read or deleted.
    """

    def __init__(
        self,
        archive: AccessLogArchive,
        acts: Acts,
        *,
        keep_days: int = DEFAULT_KEEP_DAYS,
    ) -> None:
        if keep_days < 1:
            raise ValueError("the access log is kept for at least a day")
        self._archive = archive
        self._acts = acts
        self._clock = acts.clock
        self._keep_days = keep_days

    async def list_days(self, actor: Actor) -> Sequence[date]:
        """Return the days that have a log, oldest first."""
        self._acts.verify(actor, Permission.READ_ACCESS_LOG)
        return await asyncio.to_thread(self._archive.days)

    async def read(
        self, actor: Actor, day: date, *, skip: int = 0, limit: int = 100
    ) -> Sequence[AccessRecord]:
        """Return up to *limit* records of *day* after the first *skip*. Raises ``NotFound``."""
        act = Act(Action.READ_ACCESS_LOG, day.isoformat())
        await self._acts.declare(actor, Permission.READ_ACCESS_LOG, act)
        return await asyncio.to_thread(self._archive.read, day, skip=skip, limit=limit)

    async def purge(self, actor: Actor, *, older_than_days: int | None = None) -> Sequence[date]:
        """Delete logs older than that many days (default: the retention); return their days.

        Zero deletes all but today's. Raises ``MalformedRequest`` below zero.
        """
        return await self._purge(
            actor, self._keep_days if older_than_days is None else older_than_days
        )

    async def purge_expired(self) -> Sequence[date]:
        """Delete what the retention says; return its days. Background task."""
        before = self._clock().date() - timedelta(days=self._keep_days)
        due = [day for day in await asyncio.to_thread(self._archive.days) if day < before]
        return await self._purge(System(), self._keep_days) if due else []

    async def _purge(self, actor: Actor, days: int) -> Sequence[date]:
        if days < 0:
            raise MalformedRequest("A number of days is zero or more.")
        before = self._clock().date() - timedelta(days=days)
        act = Act(Action.PURGE_ACCESS_LOG, f"before {before.isoformat()}")
        await self._acts.declare(actor, Permission.PURGE_ACCESS_LOG, act)
        return await asyncio.to_thread(self._archive.purge, before=before)
