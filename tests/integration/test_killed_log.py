"""Processes that are killed while they write and purge the access log lose and damage nothing."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

from gateway.backends.access_log_files import AccessLogFiles
from gateway.backends.access_log_writer import AccessLogWriter
from gateway.backends.key_wrap import FileKeyWrap
from gateway.core.access_log import AccessRecord, LogSpan, SegmentState
from tests.fakes.control import LOOPBACK, FakeClock, make_wrap, open_log

KILLS = 20
LONGEST_SECONDS = 0.05
"""Several rounds of all that is done."""

NOW = FakeClock().now
KEPT = NOW.date() - timedelta(days=1)
ALL = LogSpan(NOW - timedelta(days=30), NOW + timedelta(days=1))


async def work(directory: Path, wrap: FileKeyWrap, told: int) -> None:
    """Write and purge without an end; tell of each flush that was answered."""
    log, number = open_log(directory, wrap), 0
    writer = AccessLogWriter(log, FakeClock())
    await writer.prepare()  # whoever has told of anything has a segment to be killed in
    while True:
        for age in (0, 1, 2, 3):
            number = (number + 1) % 1000
            writer.write(AccessRecord(NOW - timedelta(days=age), number, LOOPBACK))
        if number % 20 == 0:  # days are finished, and begun anew
            await writer.prepare()
        await writer.flush()
        os.write(told, b".")
        if number % 12 == 0:
            await log.purge(before=KEPT)


def kill_in_the_middle(directory: Path, wrap: FileKeyWrap) -> None:
    """Let two processes work on one log and kill both at a moment nobody chose."""
    reading, writing = os.pipe()
    pids = []
    for _ in range(2):
        pids.append(os.fork())
        if pids[-1] == 0:
            try:
                asyncio.run(work(directory, wrap, writing))
            finally:
                os._exit(1)
    os.close(writing)
    os.read(reading, 1)  # so that one is in the middle of something
    time.sleep(random.random() * LONGEST_SECONDS)
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    for pid in pids:
        assert os.WIFSIGNALED(os.waitpid(pid, 0)[1])
    os.close(reading)


async def look(log: AccessLogFiles) -> Counter[SegmentState]:
    """Return what a check finds of the days that are kept, after what is left of a purge is done.

    Two purge at once, as two gateways do.
    """
    await asyncio.gather(log.purge(before=KEPT), log.purge(before=KEPT))
    assert all(name[:10] >= KEPT.isoformat() for name in log.keys.names())
    assert all(path.name[:10] >= KEPT.isoformat() for path in log._directory.glob("*.seg"))
    reports = await log.verify()
    assert sum(report.records for report in reports) == len(await log.read(ALL, limit=10**6))
    return Counter(report.state for report in reports)


def test_killed_log(tmp_path: Path) -> None:
    """Killed twenty times: no segment is taken for damaged, and what is due goes, keys and all."""
    wrap, found = make_wrap(), Counter[SegmentState]()
    log = open_log(tmp_path / "log", wrap)
    for _ in range(KILLS):
        kill_in_the_middle(tmp_path / "log", wrap)
        found = asyncio.run(look(log))
        assert found.keys() <= {SegmentState.WHOLE, SegmentState.UNFINISHED, SegmentState.TORN}
    assert found[SegmentState.UNFINISHED] + found[SegmentState.TORN] >= KILLS


def test_killed_after_a_flush_loses_nothing(tmp_path: Path) -> None:
    """What was flushed is read after a kill; what was not is at most a half second's."""
    wrap = make_wrap()
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            asyncio.run(_flush_one(tmp_path / "log", wrap, writing))
        finally:
            os._exit(1)
    assert os.read(reading, 1) == b"."
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    for end in (reading, writing):
        os.close(end)
    (record,) = asyncio.run(open_log(tmp_path / "log", wrap).read(ALL, limit=9))
    assert record.status == 1


async def _flush_one(directory: Path, wrap: FileKeyWrap, told: int) -> None:
    writer = AccessLogWriter(open_log(directory, wrap), FakeClock())
    await writer.prepare()
    writer.write(AccessRecord(NOW, 1, LOOPBACK))
    await writer.flush()
    writer.write(AccessRecord(NOW, 2, LOOPBACK))
    os.write(told, b".")
    await asyncio.sleep(60)
