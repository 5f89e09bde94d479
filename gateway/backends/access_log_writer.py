"""Writes the access log without making a request wait: records are sealed and written in batches.

A request pays for one append to a list. A process that is killed, and a machine that loses power,
lose the records of the last half second and no others. While a segment's key cannot be wrapped, or
the disk is full, records wait in memory, a bounded number; more of them are lost, and counted.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, timedelta
from itertools import count
from typing import Final

from gateway.backends.access_log_files import AccessLogFiles, segment_name
from gateway.backends.private_files import file_errors
from gateway.backends.whole_work import do_whole
from gateway.core.access_log import AccessRecord
from gateway.core.access_log_ports import RecordExport
from gateway.core.access_segments import SegmentSealer, address_key
from gateway.core.errors import StoreUnavailable
from gateway.core.ports import Clock
from gateway.core.shown_addresses import AddressForm, shown_address

FLUSH_SECONDS: Final = 0.5
PREPARE_SECONDS: Final = 5.0
_AHEAD: Final = timedelta(hours=6)
"""How early the key of the next day is fetched: so long may what wraps it be away at midnight."""

_MAX_WAITING: Final = 65_536  # about 25 MiB, and minutes of requests
_FRAME_RECORDS: Final = 4096  # what is sealed at once


class AccessLogWriter:
    """An ``AccessLog`` of one process, over *files*; belongs to one event loop.

    ``flush`` and ``prepare`` are background tasks, to be called every :data:`FLUSH_SECONDS` and
    :data:`PREPARE_SECONDS`. *exports* get what was taken into the log, in the form in which it is
    kept, on another thread.
    """

    def __init__(
        self,
        files: AccessLogFiles,
        clock: Clock,
        *,
        form: AddressForm = AddressForm.WHOLE,
        exports: Sequence[RecordExport] = (),
        max_waiting: int = _MAX_WAITING,
    ) -> None:
        self._files = files
        self._clock = clock
        self._form = form
        self._exports = tuple(exports)
        self._max_waiting = max_waiting
        # Random, as processes of several containers may share a directory and a process number.
        self._writer = secrets.token_hex(8)
        self._numbers = count()
        self._segments: dict[date, _Segment] = {}
        self._ending: list[_Segment] = []  # nothing more is sealed into these
        self._waiting: list[AccessRecord] = []
        self._batch: list[AccessRecord] = []  # what the thread is working on
        self._lock = asyncio.Lock()

    def write(self, record: AccessRecord) -> None:
        """Take *record*; it is durable within a second. Raises ``StoreUnavailable`` when full."""
        if len(self._waiting) + len(self._batch) >= self._max_waiting:
            raise StoreUnavailable("The access log cannot be written, and no more can wait.")
        self._waiting.append(record)

    async def flush(self) -> None:
        """Write what waits, as far as there are segments for it. Raises ``StoreUnavailable``."""
        async with self._lock:
            await self._flush()

    async def prepare(self) -> None:
        """Have a segment for today, soon for tomorrow, and for what waits; finish the others.

        Raises ``KeyServiceUnavailable`` or ``StoreUnavailable``; then it is to be tried again. Not
        to be called again before it has ended.
        """
        async with self._lock:
            with suppress(StoreUnavailable):
                await self._flush()
            now = self._clock().astimezone(UTC)
            wanted = {now.date(), (now + _AHEAD).date()}
            wanted |= {_day(record) for record in (*self._batch, *self._waiting)}
            self._leave_purged()
            self._end([day for day in self._segments if day not in wanted])
            await self._finish()
        for day in sorted(wanted - self._segments.keys()):
            # Without the lock: what wraps the key may take its time. In one step: the other thread
            # may be going through the segments.
            segment = await self._new_segment(day)
            self._segments = {**self._segments, day: segment}

    async def close(self) -> None:
        """Write what waits and finish all segments. What cannot be written now is lost."""
        async with self._lock:
            with suppress(StoreUnavailable):
                await self._flush()
            self._end(list(self._segments))
            with suppress(StoreUnavailable):
                await self._finish()
            for segment in self._ending:
                segment.abandon()
            self._ending.clear()
            await asyncio.gather(*(asyncio.to_thread(each.close) for each in self._exports))

    async def _flush(self) -> None:
        self._batch += self._waiting
        self._waiting = []
        if self._batch or any(segment.is_behind for segment in self._segments.values()):
            await do_whole(self._write_batch)

    def _write_batch(self) -> None:
        """Seal and write the batch; keep of it what has no segment, or one that is stuck."""
        by_day: dict[date, list[AccessRecord]] = {}
        for record in self._batch:
            by_day.setdefault(_day(record), []).append(record)
        try:
            with file_errors():
                for segment in self._segments.values():
                    segment.write_rest()
                for day in by_day.keys() & self._segments.keys():
                    self._write_day(self._segments[day], by_day, day)
        finally:
            self._batch = [record for records in by_day.values() for record in records]

    def _write_day(
        self, segment: _Segment, by_day: dict[date, list[AccessRecord]], day: date
    ) -> None:
        while records := by_day[day][:_FRAME_RECORDS]:
            shown = [
                replace(record, ip=shown_address(record.ip, self._form, key=segment.address_key))
                for record in records
            ]
            del by_day[day][:_FRAME_RECORDS]  # sealed: they are in the segment, or in its rest
            segment.seal(shown)
            for export in self._exports:
                export.offer(shown)
            segment.write_rest()

    async def _new_segment(self, day: date) -> _Segment:
        name = segment_name(day, self._writer, next(self._numbers))
        descriptor = await asyncio.to_thread(self._files.create, name)
        try:
            key = (await self._files.keys.add(name)).reveal()
        except BaseException:
            os.close(descriptor)
            self._files.discard(name)  # else one more would be left every few seconds
            raise
        return _Segment(descriptor, SegmentSealer(name, key), address_key(key))

    def _leave_purged(self) -> None:
        """Leave segments whose files are gone: what is written there nobody will read."""
        for day in [day for day, segment in self._segments.items() if segment.is_purged]:
            self._segments.pop(day).abandon()

    def _end(self, days: Sequence[date]) -> None:
        self._ending += [self._segments.pop(day) for day in days]

    async def _finish(self) -> None:
        """Write the last frames of all that are ending. Raises ``StoreUnavailable``."""
        if self._ending:
            await do_whole(self._finish_ending)

    def _finish_ending(self) -> None:
        with file_errors():
            while self._ending:
                self._ending[0].finish()
                del self._ending[0]


class _Segment:
    """A segment that is being written: what was sealed is written in this order, or kept.

    What was sealed is never sealed anew, which would use a nonce twice.
    """

    def __init__(self, descriptor: int, sealer: SegmentSealer, key: bytes) -> None:
        self._descriptor = descriptor
        self._sealer = sealer
        self._written = 0
        self._rest = b""
        self._is_ended = False
        self.address_key = key

    @property
    def is_behind(self) -> bool:
        """Whether something that was sealed is not written yet."""
        return bool(self._rest)

    @property
    def is_purged(self) -> bool:
        """Whether its file was removed."""
        return os.fstat(self._descriptor).st_nlink == 0

    def seal(self, records: Sequence[AccessRecord]) -> None:
        """Seal *records* behind what was sealed before."""
        self._rest += self._sealer.feed(records)

    def write_rest(self) -> None:
        """Write what is sealed, durable at the end. Raises ``OSError``; then all of it again.

        Also when only the disk's last word was an error: what it has taken of it nobody knows.
        """
        if not self._rest:
            return
        rest, done = memoryview(self._rest), 0
        while done < len(rest):
            # At its place rather than at the end: half a frame that is there already is replaced.
            done += os.pwrite(self._descriptor, rest[done:], self._written + done)
        os.fdatasync(self._descriptor)
        self._written, self._rest = self._written + done, b""

    def finish(self) -> None:
        """Write the last frame and close the file. Raises ``OSError``; then again from there."""
        if not self._is_ended:
            self._rest += self._sealer.finish()
            self._is_ended = True
        self.write_rest()
        os.close(self._descriptor)

    def abandon(self) -> None:
        """Close the file as it is."""
        os.close(self._descriptor)


def _day(record: AccessRecord) -> date:
    return record.at.astimezone(UTC).date()
