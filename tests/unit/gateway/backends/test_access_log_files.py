"""The access log on disk: read by time, checked frame by frame, purged key first."""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from gateway.backends.access_log_files import AccessLogFiles, segment_name
from gateway.core.access_log import AccessRecord, LogSpan, SegmentState
from gateway.core.errors import StoreUnavailable
from gateway.core.steady_time import TimeMark
from tests.fakes.control import LOOPBACK, LosableKeyWrap, open_log, write_log

NOW = datetime(2026, 11, 23, 23, 59, 59, 999_000, tzinfo=UTC)
DAY = date(2026, 11, 23)
ALL = LogSpan(NOW - timedelta(days=99), NOW + timedelta(days=99))


def record(at: datetime = NOW, status: int = 200) -> AccessRecord:
    """Return a record of a call that went well."""
    return AccessRecord(at, status, LOOPBACK)


@pytest.fixture
def log(tmp_path: Path) -> AccessLogFiles:
    """Return an empty access log in ``log``."""
    return open_log(tmp_path / "log", LosableKeyWrap())


def segments(log: AccessLogFiles) -> list[Path]:
    """Return the files of all segments, by name."""
    return sorted(log._directory.glob("*.seg"))


async def states(log: AccessLogFiles) -> set[SegmentState]:
    """Return what a check finds."""
    return {report.state for report in await log.verify()}


async def test_nothing_is_in_the_clear(log: AccessLogFiles) -> None:
    """Files and directories are the owner's alone, and show no address, status or time."""
    await write_log(log, record())
    assert log._directory.stat().st_mode & 0o777 == 0o700
    for path in segments(log):
        assert path.stat().st_mode & 0o777 == 0o600
        assert LOOPBACK.packed not in path.read_bytes()


async def test_records_of_all_processes_are_read_by_time(log: AccessLogFiles) -> None:
    """However many segments there are: one order, the span's moments, the page's length."""
    moments = [NOW + timedelta(seconds=second) for second in range(6)]
    for part in (moments[::2], moments[1::2]):
        await write_log(log, *(record(at, status) for status, at in enumerate(part)))
    found = await log.read(ALL, limit=99)
    assert [each.at for each in found] == moments
    assert await log.days() == [DAY, date(2026, 11, 24)]
    span = LogSpan(moments[1], moments[5])
    assert await log.read(span, limit=2) == found[1:3]
    assert await log.read(span.after(found[1:3]), limit=9) == found[3:5]


async def test_a_check_finds_each_segment_whole(log: AccessLogFiles) -> None:
    """What a process wrote and finished is whole, with its records counted."""
    await write_log(log, record(), record())
    assert sum(report.records for report in await log.verify()) == 2
    assert await states(log) == {SegmentState.WHOLE}


async def test_what_was_done_to_a_segment_is_found(log: AccessLogFiles) -> None:
    """A changed byte is damage, a cut end torn, a segment without key or a key without one said."""
    await write_log(log, record())
    first = next(path for path in segments(log) if path.stat().st_size > 60)
    content = first.read_bytes()
    first.write_bytes(content[:40] + bytes([content[40] ^ 1]) + content[41:])
    (damaged,) = [r for r in await log.verify() if r.state is SegmentState.DAMAGED]
    assert (damaged.frame, damaged.is_sound) == (0, False)
    with pytest.raises(StoreUnavailable, match="damaged"):
        await log.read(ALL, limit=9)
    first.write_bytes(content[:40])
    assert SegmentState.TORN in await states(log)
    first.write_bytes(content)
    log.keys.destroy(first.stem)
    assert SegmentState.KEYLESS in await states(log)
    assert await log.read(ALL, limit=9) == []
    await log.keys.add(first.stem)
    assert SegmentState.DAMAGED in await states(log)
    first.unlink()
    assert SegmentState.MISSING in await states(log)


async def test_segments_cannot_be_swapped(log: AccessLogFiles) -> None:
    """A segment under the name of another, or with the key of another, does not open."""
    await write_log(log, record())
    await write_log(log, record())
    one, two = [path for path in segments(log) if path.stat().st_size > 60]
    content = one.read_bytes()
    one.write_bytes(two.read_bytes())
    two.write_bytes(content)
    assert await states(log) >= {SegmentState.DAMAGED}
    keys = log._directory / "keys"
    (keys / f"{one.stem}.key").replace(keys / f"{two.stem}.key")
    assert SegmentState.KEYLESS in await states(log)


async def test_a_segment_that_was_never_written_to_is_no_loss(log: AccessLogFiles) -> None:
    """A process that is killed between its file and its key leaves nothing to worry about."""
    os.close(log.create(segment_name(DAY, "0" * 16, 0)))
    assert await states(log) == {SegmentState.UNFINISHED}
    assert await log.read(ALL, limit=9) == []


async def test_links_and_pipes_are_refused(log: AccessLogFiles, tmp_path: Path) -> None:
    """A link or a pipe in the place of a segment is neither followed nor waited for."""
    await write_log(log, record())
    for path in segments(log):
        path.unlink()
        path.symlink_to(tmp_path / "target")
    (tmp_path / "target").write_text("content")
    with pytest.raises(StoreUnavailable):
        await log.read(ALL, limit=1)
    for path in segments(log):
        path.unlink()
        os.mkfifo(path, 0o600)
    assert await log.read(ALL, limit=1) == []


async def test_purge_removes_exactly_what_is_older(log: AccessLogFiles) -> None:
    """Days before the given one go, keys and all, by their name; other files stay."""
    await write_log(log, *(record(NOW - timedelta(days=days)) for days in range(4)))
    strange = ["2020-01-01.seg", "2020-02-31.00112233445566aa.0.seg", "note.txt"]
    strange += ["access-2020-02-31.log", "access-2026-11-22.log"]
    for name in [*strange, "access-2020-01-01.log"]:
        (log._directory / name).write_text("")
    days = [date(2020, 1, 1), date(2026, 11, 20), date(2026, 11, 21)]
    assert await log.purge(before=date(2026, 11, 22)) == days
    assert await log.purge(before=date(2026, 11, 22)) == []
    assert {name[:10] for name in log.keys.names()} >= {"2026-11-22", "2026-11-23"}
    assert not [name for name in log.keys.names() if name[:10] < "2026-11-22"]
    assert all((log._directory / name).exists() for name in strange)
    assert len(await log.read(ALL, limit=9)) == 2


async def test_one_key_that_cannot_be_destroyed_keeps_no_other(
    log: AccessLogFiles, tmp_path: Path
) -> None:
    """What stands in the way is told, after everything else has gone; its segment stays."""
    await write_log(log, *(record(NOW - timedelta(days=days)) for days in range(9)))
    held = segment_name(DAY - timedelta(days=4), "0" * 16, 0)
    (log._directory / "keys" / f"{held}.key").symlink_to(tmp_path / "target")
    with pytest.raises(StoreUnavailable):
        await log.purge(before=DAY)
    assert {name[:10] for name in log.keys.names()} == {held[:10], DAY.isoformat()}
    assert {path.name[:10] for path in segments(log)} == {DAY.isoformat()}


async def test_a_purged_copy_does_not_open(log: AccessLogFiles) -> None:
    """A copy of the segments that was made before, and put back, shows nothing."""
    await write_log(log, record())
    copies = {path: path.read_bytes() for path in segments(log)}
    await log.purge(before=date(2027, 1, 1))
    assert segments(log) == []
    for path, content in copies.items():
        path.write_bytes(content)
    assert await log.read(ALL, limit=9) == []
    assert await states(log) == {SegmentState.KEYLESS}


async def test_rewrapped_keys_open_under_the_new_key(tmp_path: Path) -> None:
    """After a rewrap the old wrapping key is not needed any more."""
    wrap = LosableKeyWrap()
    log = open_log(tmp_path / "log", wrap)
    await write_log(log, record())
    wrap.rotate()
    assert await log.rewrap() == len(segments(log))
    wrap.forget_old()
    assert await log.read(ALL, limit=9) == [record()]


async def test_mark_is_kept(log: AccessLogFiles) -> None:
    """The time that was kept last is found again; what is no time counts as none."""
    assert await log.find_mark() is None
    now = TimeMark(NOW)
    for mark in (TimeMark(NOW, NOW + timedelta(days=9)), now):
        await log.keep_mark(mark)
        assert await log.find_mark() == mark
    (log._directory / "trusted-time.new").write_text("of a process that was killed")
    await asyncio.gather(*(log.keep_mark(now) for _ in range(8)))
    assert await log.find_mark() == now
    for text in ("", "soon", "2026-11-23T10:00:00", f"{NOW.isoformat()} x", "2026-11-23 " * 3, "ä"):
        (log._directory / "trusted-time").write_text(text, "utf-8")
        assert await log.find_mark() is None
