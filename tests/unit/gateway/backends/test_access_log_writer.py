"""Writing the access log: no request waits, nothing is lost silently."""

from __future__ import annotations

import asyncio
import os
import tempfile
import threading
from collections.abc import Sequence
from datetime import UTC, date, datetime
from ipaddress import ip_address
from pathlib import Path

import pytest

from gateway.backends.access_log_files import AccessLogFiles
from gateway.backends.access_log_writer import AccessLogWriter
from gateway.core.access_log import AccessRecord, LogSpan, SegmentState
from gateway.core.errors import KeyServiceUnavailable, StoreUnavailable
from gateway.core.secret import Secret
from gateway.core.shown_addresses import AddressForm
from tests.fakes.control import FakeClock, LosableKeyWrap, open_log

ALL = LogSpan(datetime(2020, 1, 1, tzinfo=UTC), datetime(2120, 1, 1, tzinfo=UTC))
ADDRESS = ip_address("192.0.2.77")


class Export:
    """What is exported."""

    def __init__(self) -> None:
        self.records: list[AccessRecord] = []
        self.is_closed = False

    def offer(self, records: Sequence[AccessRecord]) -> None:
        """Keep *records*."""
        self.records += records

    def close(self) -> None:
        """Remember that it was closed."""
        self.is_closed = True


class World:
    """A writer, its log and what they stand on."""

    def __init__(self, directory: Path, **options: object) -> None:
        self.clock, self.wrap = FakeClock(), LosableKeyWrap()
        self.log: AccessLogFiles = open_log(directory / "log", self.wrap)
        self.writer = AccessLogWriter(self.log, self.clock, **options)
        self.status = 0

    def write(self) -> None:
        """Write one more record, of now."""
        self.status += 1
        self.writer.write(AccessRecord(self.clock(), self.status, ADDRESS))

    async def statuses(self) -> list[int]:
        """Return the statuses of all records that can be read."""
        return [record.status for record in await self.log.read(ALL, limit=10_000)]


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Return a writer that has no segment yet."""
    return World(tmp_path)


async def test_what_was_flushed_is_read_at_once(world: World) -> None:
    """Records are read by other processes while the segment is still open."""
    await world.writer.prepare()
    for _ in range(3):
        world.write()
    assert await world.statuses() == []
    await world.writer.flush()
    assert await world.statuses() == [1, 2, 3]
    (report,) = await world.log.verify()
    assert (report.state, report.records, report.frame) == (SegmentState.UNFINISHED, 3, 1)
    world.write()
    await world.writer.close()
    assert await world.statuses() == [1, 2, 3, 4]
    assert [report.state for report in await world.log.verify()] == [SegmentState.WHOLE]


async def test_many_records_are_several_frames(world: World) -> None:
    """A batch of any size is written whole."""
    await world.writer.prepare()
    for _ in range(9_000):
        world.write()
    await world.writer.close()
    (report,) = await world.log.verify()
    assert (report.records, report.frame) == (9_000, 4)


async def test_midnight_ends_one_segment_and_begins_the_next(world: World) -> None:
    """The next day's segment is there hours before; a day is finished when nothing of it waits."""
    await world.writer.prepare()
    assert await world.log.days() == [date(2026, 11, 23)]
    world.clock.advance(hours=10)
    await world.writer.prepare()
    assert await world.log.days() == [date(2026, 11, 23), date(2026, 11, 24)]
    world.write()
    world.wrap.lost = True  # at midnight nobody is asked
    world.clock.advance(hours=4)
    world.write()
    await world.writer.prepare()
    world.wrap.lost = False
    first, second = await _reports(world)
    assert (first.state, first.records) == (SegmentState.WHOLE, 1)
    assert (second.state, second.records) == (SegmentState.UNFINISHED, 1)
    await world.writer.close()


async def test_records_wait_for_a_key(world: World) -> None:
    """While no key can be wrapped records wait, so many; more are refused, none is in the clear."""
    writer = AccessLogWriter(world.log, world.clock, max_waiting=2)
    world.writer, world.wrap.lost = writer, True
    with pytest.raises(KeyServiceUnavailable):
        await writer.prepare()
    world.write()
    await writer.flush()
    world.write()
    with pytest.raises(StoreUnavailable):
        world.write()
    assert not list(world.log._directory.glob("*.seg"))  # nor one for each attempt
    world.wrap.lost = False
    await writer.prepare()
    await writer.close()
    assert await world.statuses() == [1, 2]


async def test_full_disk_loses_nothing_that_was_taken(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a frame is written to its end once there is room, under the same nonce and content."""
    room, pwrite = [30], os.pwrite

    def little_room(descriptor: int, data: bytes, place: int) -> int:
        if not room[0]:
            raise OSError(28, "no space left")
        done = pwrite(descriptor, data[: room[0]], place)
        room[0] -= done
        return done

    await world.writer.prepare()
    monkeypatch.setattr(os, "pwrite", little_room)
    world.write()
    with pytest.raises(StoreUnavailable):
        await world.writer.flush()
    assert [report.state for report in await world.log.verify()] == [SegmentState.TORN]
    world.write()
    with pytest.raises(StoreUnavailable):
        await world.writer.flush()
    room[0] = 10_000
    await world.writer.flush()
    assert await world.statuses() == [1, 2]
    room[0] = 0
    world.write()
    await world.writer.close()
    assert await world.statuses() == [1, 2]
    assert [report.is_sound for report in await world.log.verify()] == [True]


async def test_what_is_not_known_to_be_durable_is_written_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that says only when it syncs that it took nothing has lost no record."""
    real = os.fdatasync

    def forgets(descriptor: int) -> None:
        os.ftruncate(descriptor, 0)
        raise OSError(28, "no space left")

    await world.writer.prepare()
    monkeypatch.setattr(os, "fdatasync", forgets)
    world.write()
    with pytest.raises(StoreUnavailable):
        await world.writer.flush()
    monkeypatch.setattr(os, "fdatasync", real)
    world.write()
    await world.writer.flush()
    assert await world.statuses() == [1, 2]


async def test_end_waits_for_room_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A day that ends while the disk is full is finished later; the next day goes on meanwhile."""
    await world.writer.prepare()
    world.write()
    monkeypatch.setattr(os, "pwrite", _fail)
    world.clock.advance(days=1)
    with pytest.raises(StoreUnavailable):
        await world.writer.prepare()
    world.clock.advance(days=-1)
    monkeypatch.undo()
    world.write()
    await world.writer.prepare()
    await world.writer.close()
    assert await world.statuses() == [1, 2]
    assert {report.state for report in await world.log.verify()} == {SegmentState.WHOLE}


async def test_clock_that_jumps_loses_nothing(world: World) -> None:
    """Each record is in a segment of its own day, whichever way the clock was set."""
    for days in (0, 30, -60):
        world.clock.advance(days=days)
        world.write()
        await world.writer.prepare()
    await world.writer.close()
    assert sorted(await world.statuses()) == [1, 2, 3]
    for report in await world.log.verify():
        assert report.records == 0 or report.name.startswith(report.day.isoformat())
    days = {report.day for report in await world.log.verify() if report.records}
    assert days == {date(2026, 11, 23), date(2026, 12, 23), date(2026, 10, 24)}


async def test_a_segment_that_was_purged_is_not_written_to_for_long(world: World) -> None:
    """Whoever purges today's log, by a clock that is wrong or on purpose, does not end it."""
    await world.writer.prepare()
    world.write()
    await world.writer.flush()
    await world.log.purge(before=date(2026, 11, 24))
    assert await world.statuses() == []
    await world.writer.prepare()
    world.write()
    await world.writer.close()
    assert await world.statuses() == [2]
    assert [report.state for report in await world.log.verify()] == [SegmentState.WHOLE]


async def test_two_processes_share_a_directory(world: World) -> None:
    """Each writes segments of its own; all records are read."""
    other = AccessLogWriter(world.log, world.clock)
    mine = world.writer
    for writer in (mine, other, mine):
        world.writer = writer
        await writer.prepare()
        world.write()
    await asyncio.gather(mine.close(), other.close())
    assert sorted(await world.statuses()) == [1, 2, 3]
    assert len(await world.log.verify()) == 2


async def test_a_cancelled_flush_is_whole(world: World) -> None:
    """A stop in the middle of a batch neither loses nor doubles a record."""
    await world.writer.prepare()
    for _ in range(2_000):
        world.write()
    flushing = asyncio.create_task(world.writer.flush())
    await asyncio.sleep(0)
    flushing.cancel()
    await world.writer.close()
    assert await world.statuses() == list(range(1, 2_001))


async def test_a_cancelled_end_closes_a_segment_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stop at midnight neither fails nor closes a file that others opened meanwhile."""
    loop, begun, may_go_on, pwrite = (
        asyncio.get_running_loop(), asyncio.Event(), threading.Event(), os.pwrite
    )  # fmt: skip

    def slow(descriptor: int, data: bytes, place: int) -> int:
        loop.call_soon_threadsafe(begun.set)
        assert may_go_on.wait(30)
        return pwrite(descriptor, data, place)

    await world.writer.prepare()
    world.clock.advance(days=1)
    monkeypatch.setattr(os, "pwrite", slow)
    preparing = asyncio.create_task(world.writer.prepare())
    await begun.wait()
    preparing.cancel()
    may_go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await preparing
    with tempfile.TemporaryFile() as other:
        await world.writer.close()
        assert os.fstat(other.fileno()).st_size == 0
    assert [report.state for report in await world.log.verify()] == [SegmentState.WHOLE]


async def test_a_stop_while_a_key_is_stored_leaves_none_behind(world: World) -> None:
    """Neither a key without a segment, which looks like a loss, nor the other way round."""
    loop, begun, may_go_on = asyncio.get_running_loop(), asyncio.Event(), threading.Event()
    stored, store = threading.Event(), world.log.keys._store

    def slow(name: str, wrapped: bytes) -> None:
        loop.call_soon_threadsafe(begun.set)
        assert may_go_on.wait(30)
        store(name, wrapped)
        stored.set()

    world.log.keys._store = slow
    preparing = asyncio.create_task(world.writer.prepare())
    await begun.wait()
    preparing.cancel()
    await asyncio.sleep(0)
    may_go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await preparing
    assert await asyncio.to_thread(stored.wait, 30)
    assert (world.log.keys.names(), await world.log.verify()) == (set(), [])


async def test_records_are_written_while_a_key_is_waited_for(world: World) -> None:
    """What wraps keys may take its time: the day that has a segment goes on."""
    wrapping, may_go_on, wrap = asyncio.Event(), asyncio.Event(), world.wrap.wrap

    async def slow(private: Secret[bytes], *, kid: str) -> bytes:
        wrapping.set()
        await may_go_on.wait()
        return await wrap(private, kid=kid)

    await world.writer.prepare()
    world.wrap.wrap = slow
    world.clock.advance(hours=10)
    preparing = asyncio.create_task(world.writer.prepare())
    await wrapping.wait()
    world.write()
    async with asyncio.timeout(10):
        await world.writer.flush()
    assert await world.statuses() == [1]
    may_go_on.set()
    await preparing
    await world.writer.close()
    assert len(await world.log.days()) == 2


@pytest.mark.parametrize("form", [AddressForm.TRUNCATED, AddressForm.HASHED])
async def test_address_is_kept_as_was_chosen(tmp_path: Path, form: AddressForm) -> None:
    """What is hidden is hidden in the log and in what is exported alike."""
    export = Export()
    world = World(tmp_path, form=form, exports=[export])
    await world.writer.prepare()
    world.write()
    world.write()
    await world.writer.close()
    found = await world.log.read(ALL, limit=9)
    assert (found, export.is_closed) == (export.records, True)
    assert len({record.ip for record in found}) == 1
    assert ADDRESS not in {record.ip for record in found}


async def _reports(world: World) -> list:
    return sorted(await world.log.verify(), key=lambda report: report.day)


def _fail(*_: object) -> int:
    raise OSError(28, "no space left")
