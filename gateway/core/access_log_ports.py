"""The ports of the access log: where records go, and what is done with the ones of past days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Protocol

from gateway.core.access_log import AccessRecord, LogSpan, SegmentReport
from gateway.core.steady_time import TimeMark


class AccessLog(Protocol):
    """Where a record of each request goes."""

    def write(self, record: AccessRecord) -> None:
        """Take *record*, at once. Raises ``StoreUnavailable`` when it is lost."""


class AccessLogArchive(Protocol):
    """The access log of this host, by day in UTC. Every method raises ``StoreUnavailable``."""

    async def days(self) -> Sequence[date]:
        """Return the days that have a log, oldest first."""

    async def read(self, span: LogSpan, *, limit: int) -> Sequence[AccessRecord]:
        """Return up to *limit* records of *span*, in the order of their times."""

    async def verify(self) -> Sequence[SegmentReport]:
        """Return what a check of every segment found."""

    async def purge(self, *, before: date, after: date = date.max) -> Sequence[date]:
        """Destroy keys and logs of all days before *before* and after *after*; return them."""

    async def rewrap(self) -> int:
        """Wrap all keys anew under the newest wrapping key; return how many."""

    async def find_mark(self) -> TimeMark | None:
        """Return the mark that was kept last, or None."""

    async def keep_mark(self, mark: TimeMark) -> None:
        """Keep *mark*, also over a crash."""


class RecordExport(Protocol):
    """Where records go besides, in the form in which the log has them. May be called on threads."""

    def offer(self, records: Sequence[AccessRecord]) -> None:
        """Take *records* or drop them, at once. Never fails."""

    def close(self) -> None:
        """Send what waits, if it can be sent soon."""
