"""The access log: segments of sealed records, one for each day (UTC) and process, in a directory.

Holds time, status and address and no other member. A segment opens with its key alone, which a
purge destroys first. Files are ours alone; a symbolic link in place of one is refused.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from heapq import nsmallest
from itertools import chain
from operator import attrgetter
from pathlib import Path
from typing import Final

from gateway.backends.private_files import (
    NO_LINK,
    create_private_file,
    file_errors,
    locked_directory,
    open_private_directory,
    sync_directory,
)
from gateway.backends.segment_keys import SegmentKeys
from gateway.core.access_log import (
    AccessRecord,
    LogSpan,
    SegmentReport,
    SegmentState,
    parse_records,
)
from gateway.core.access_segments import SegmentDamaged, SegmentOpener
from gateway.core.errors import KeyServiceUnavailable, StoreUnavailable
from gateway.core.steady_time import TimeMark

_NAME: Final = re.compile(r"(\d{4}-\d{2}-\d{2})\.[0-9a-f]{16}\.[0-9]{1,9}", re.ASCII)
_SUFFIX: Final = ".seg"
_PLAIN: Final = re.compile(r"access-(\d{4}-\d{2}-\d{2})\.log", re.ASCII)
"""What versions before the first release wrote in the clear: purged as the rest, never read."""

_PIECE_BYTES: Final = 2**20  # what is read at once, so that a long segment needs little memory
_MARK: Final = "trusted-time"


class AccessLogFiles:
    """An ``AccessLogArchive`` in one directory, which is made when missing, over *keys*.

    Safe for several processes. Raises ``StoreUnavailable`` when the directory is a link, belongs to
    another user or is open to others. What is read is decrypted off the event loop.
    """

    def __init__(self, directory: Path, keys: SegmentKeys) -> None:
        self._directory = directory
        self.keys = keys
        open_private_directory(directory)

    def create(self, name: str) -> int:
        """Return a fresh file for the segment *name*, open for writing and without a key yet.

        Raises ``StoreUnavailable``.
        """
        with file_errors():
            descriptor = create_private_file(self._path(name))
            sync_directory(self._directory)
            return descriptor

    def discard(self, name: str) -> None:
        """Destroy the key of the segment *name*, then remove the segment; either may be missing.

        Raises ``StoreUnavailable``.
        """
        self.keys.destroy(name)
        with file_errors():
            self._path(name).unlink(missing_ok=True)

    async def days(self) -> Sequence[date]:
        """Return the days that have a log, oldest first. Raises ``StoreUnavailable``."""
        return await asyncio.to_thread(lambda: sorted({day for day, _ in self._segments()}))

    async def read(self, span: LogSpan, *, limit: int) -> Sequence[AccessRecord]:
        """Return up to *limit* records of *span*, in the order of their times.

        A segment whose key is gone counts as purged. Raises ``StoreUnavailable`` for one that is
        damaged; ``verify`` says where.
        """
        first, last = (moment.astimezone(UTC).date() for moment in (span.since, span.until))
        found: list[AccessRecord] = []
        for name in [name for day, name in self._segments() if first <= day <= last]:
            key = await self.keys.find(name)
            if key is not None:
                opener = SegmentOpener(name, key.reveal())
                frames = self._frames(opener, self._path(name))
                found = await asyncio.to_thread(_merge, found, frames, span=span, limit=limit)
        return found[span.skip :]

    async def verify(self) -> Sequence[SegmentReport]:
        """Return what a check of every frame of every segment found, by name.

        Raises ``KeyServiceUnavailable`` while keys cannot be unwrapped.
        """
        # Keys first: a segment is made before its key, so that a new one is not taken for missing.
        keyed = await asyncio.to_thread(self.keys.names)
        named = dict(sorted((name, day) for day, name in self._segments()))
        reports = [await self._verify(name, day) for name, day in named.items()]
        for name in sorted(keyed - named.keys()):
            day = _find_day(name)
            if day is not None and name in self.keys.names():  # and not purged meanwhile
                reports.append(SegmentReport(name, day, SegmentState.MISSING, records=0, frame=0))
        return reports

    async def purge(self, *, before: date, after: date = date.max) -> Sequence[date]:
        """Destroy the keys of all days before *before* and after *after*, then their segments.

        Returns these days.

        Goes by the day in the name, never by what the file system says of a file's age. May be
        killed at any moment and run by several at once; the next one does what is left. Raises
        ``StoreUnavailable`` after all that could be destroyed is.
        """
        return await asyncio.to_thread(self._purge, before, after)

    async def rewrap(self) -> int:
        """Wrap the key of every segment anew; return how many. Raises ``StoreUnavailable``."""
        return await self.keys.rewrap()

    async def find_mark(self) -> TimeMark | None:
        """Return the mark that was kept last, or None where none was."""
        try:
            moments = (self._directory / _MARK).read_text("ascii").split()
            mark = TimeMark(*map(datetime.fromisoformat, moments))
        except (OSError, ValueError, TypeError):
            return None
        return mark if all(moment.tzinfo for moment in mark if moment) else None

    async def keep_mark(self, mark: TimeMark) -> None:
        """Keep *mark* for :meth:`find_mark`, also over a crash. Raises ``StoreUnavailable``."""
        await asyncio.to_thread(self._keep_mark, mark)

    def _keep_mark(self, mark: TimeMark) -> None:
        fresh = self._directory / f"{_MARK}.new"
        text = " ".join(moment.isoformat() for moment in mark if moment)
        with file_errors(), locked_directory(self._directory):
            fresh.unlink(missing_ok=True)
            os.close(create_private_file(fresh, text.encode("ascii")))
            fresh.replace(self._directory / _MARK)

    def _frames(self, opener: SegmentOpener, path: Path) -> Iterator[bytes]:
        with file_errors():
            try:
                descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | NO_LINK)
            except FileNotFoundError:  # it was purged
                return
            with os.fdopen(descriptor, "rb", buffering=0) as file:
                while piece := file.read(_PIECE_BYTES):
                    yield from opener.feed(piece)

    async def _verify(self, name: str, day: date) -> SegmentReport:
        try:
            key = await self.keys.find(name)
        except KeyServiceUnavailable:
            raise  # nothing is known of the key then
        except StoreUnavailable:
            key = None
        with file_errors():
            size = self._path(name).stat().st_size if self._path(name).exists() else 0
        if key is None:
            # One that was never written to lost nothing when its process was killed.
            state = SegmentState.KEYLESS if size else SegmentState.UNFINISHED
            return SegmentReport(name, day, state, records=0, frame=0)
        opener = SegmentOpener(name, key.reveal())
        return await asyncio.to_thread(self._check, opener, name, day)

    def _check(self, opener: SegmentOpener, name: str, day: date) -> SegmentReport:
        records = 0
        try:
            for frame in self._frames(opener, self._path(name)):
                records += sum(1 for _ in parse_records(frame))
            state = opener.finish()
        except SegmentDamaged:
            state = SegmentState.DAMAGED
        return SegmentReport(name, day, state, records, opener.frame)

    def _purge(self, before: date, after: date) -> list[date]:
        due = [(day, name) for day, name in self._segments() if not before <= day <= after]
        keyed = ((_find_day(name), name) for name in self.keys.names())
        due += [(day, name) for day, name in keyed if day and not before <= day <= after]
        stuck: StoreUnavailable | None = None
        for name in {name for _, name in due}:
            try:
                self.discard(name)
            except StoreUnavailable as error:  # what is in the way of one keeps no other
                stuck = error
        with file_errors():
            for path in list(self._directory.iterdir()):
                day = _find_day(path.name, _PLAIN)
                if day is not None and day < before:
                    path.unlink(missing_ok=True)
                    due.append((day, path.name))
            sync_directory(self._directory)
        if stuck is not None:
            raise stuck
        return sorted({day for day, _ in due})

    def _segments(self) -> list[tuple[date, str]]:
        """Return day and name of every segment, oldest day first."""
        with file_errors():
            paths = [path for path in self._directory.iterdir() if path.suffix == _SUFFIX]
        named = ((_find_day(path.stem), path.stem) for path in paths)
        return sorted((day, name) for day, name in named if day is not None)

    def _path(self, name: str) -> Path:
        return self._directory / f"{name}{_SUFFIX}"


def segment_name(day: date, writer: str, number: int) -> str:
    """Return the name of a segment: its day, the writer's 16 hexadecimal digits, its number."""
    return f"{day.isoformat()}.{writer}.{number}"


def _merge(
    found: list[AccessRecord], frames: Iterator[bytes], *, span: LogSpan, limit: int
) -> list[AccessRecord]:
    """Return the first records of *found* and of those in *frames*, as many as *span* needs."""
    opened = chain.from_iterable(parse_records(frame, span) for frame in frames)
    try:
        return nsmallest(limit + span.skip, chain(found, opened), key=attrgetter("at"))
    except SegmentDamaged:
        raise StoreUnavailable("A segment of the access log is damaged.") from None


def _find_day(name: str, pattern: re.Pattern[str] = _NAME) -> date | None:
    match = pattern.fullmatch(name)
    with suppress(ValueError):  # the 31st of a month that has 30 days: not ours
        return date.fromisoformat(match[1]) if match else None
    return None
