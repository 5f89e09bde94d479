"""Tags in the database: exact across processes, bounded in time, and no longer than needed."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.backends.database import replay
from gateway.backends.database.replay import DatabaseReplayStore
from gateway.core.errors import Replayed, StoreUnavailable
from tests.fakes.control import FakeClock
from tests.fakes.database import make_database

ANSWER_SECONDS = replay._ANSWER_SECONDS
CLAIMANT = """
import asyncio, sys
from datetime import UTC, datetime, timedelta
from gateway.backends.database import replay
from gateway.backends.database.replay import DatabaseReplayStore
from gateway.core.errors import Replayed

replay._ANSWER_SECONDS = replay._BUSY_SECONDS = 60.0

async def main():
    store = DatabaseReplayStore.open(sys.argv[1], lambda: datetime.now(UTC))
    until = datetime.now(UTC) + timedelta(minutes=4)
    tags = [bytes([tag]) * 16 for tag in range(20) for _ in range(50)]
    sys.stdin.readline()
    found = await asyncio.gather(
        *(store.claim(tag, until=until) for tag in tags), return_exceptions=True
    )
    assert all(outcome is None or isinstance(outcome, Replayed) for outcome in found), found
    print(*sorted(tags[at][0] for at, outcome in enumerate(found) if outcome is None))
    await store.close()

asyncio.run(main())
"""


@pytest.fixture(autouse=True)
def _patience(monkeypatch) -> None:
    """Let no claim be given up for the time it takes: what is refused is refused for its cause."""
    monkeypatch.setattr(replay, "_ANSWER_SECONDS", 60.0)


class BreakingClock(FakeClock):
    """A clock that can break."""

    is_broken = False

    def __call__(self) -> datetime:
        if self.is_broken:
            raise RuntimeError
        return super().__call__()


async def opened(tmp_path: Path, clock: FakeClock) -> tuple[DatabaseReplayStore, Path]:
    """Return a store on a fresh file, and the file."""
    path = tmp_path / "store.db"
    make_database(f"sqlite+aiosqlite:///{path}")
    return DatabaseReplayStore.open(f"sqlite+aiosqlite:///{path}", clock), path


async def test_several_processes_agree(tmp_path: Path) -> None:
    """Three processes claim the same twenty tags fifty times each: each tag passes once in all."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'store.db'}"
    make_database(url)
    pipe = asyncio.subprocess.PIPE
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", CLAIMANT, url, stdin=pipe, stdout=pipe
        )
        for _ in range(3)
    ]
    outputs = await asyncio.gather(*(process.communicate(b"go\n") for process in processes))
    assert all(process.returncode == 0 for process in processes)
    won = [name for output, _ in outputs for name in output.split()]
    assert sorted(map(int, won)) == list(range(20))


async def test_locked_file_is_refused_and_recovers(tmp_path: Path) -> None:
    """While another holds the file claims are refused; afterwards they pass again."""
    clock = FakeClock()
    store, path = await opened(tmp_path, clock)
    until = clock() + timedelta(minutes=4)
    await store.claim(b"first", until=until)
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        found = await asyncio.gather(
            *(store.claim(bytes([n]), until=until) for n in range(50)), return_exceptions=True
        )
        assert all(isinstance(outcome, StoreUnavailable) for outcome in found)
        other.execute("ROLLBACK")
    other.close()
    await store.claim(b"second", until=until)
    with pytest.raises(Replayed):
        await store.claim(b"first", until=until)
    await store.close()


async def test_callers_do_not_wait_for_a_slow_disk(tmp_path: Path, monkeypatch) -> None:
    """A claim is refused while the disk is still at it; nothing breaks when that answers."""
    monkeypatch.setattr(replay, "_ANSWER_SECONDS", 0.05)
    store, _ = await opened(tmp_path, FakeClock())
    until = datetime.now(UTC) + timedelta(days=30)
    write, disk_answers = store._write, threading.Event()
    monkeypatch.setattr(
        store, "_write", lambda batch, now: disk_answers.wait(60) and write(batch, now)
    )
    with pytest.raises(StoreUnavailable):
        await store.claim(b"late", until=until)
    disk_answers.set()
    await store.close()


def test_callers_wait_for_less_than_a_second() -> None:
    """What a caller waits for at most leaves room for the answer within a second."""
    assert ANSWER_SECONDS < 1


async def test_claims_after_a_fault_that_is_not_the_databases(tmp_path: Path) -> None:
    """Whatever fails, the claims that waited are refused at once and the next ones are written."""
    clock = BreakingClock()
    store, _ = await opened(tmp_path, clock)
    until = clock() + timedelta(minutes=4)
    clock.is_broken = True
    async with asyncio.timeout(30):  # long before any claim is given up
        found = await asyncio.gather(
            *(store.claim(n.to_bytes(16, "big"), until=until) for n in range(600)),
            return_exceptions=True,
        )
    assert all(isinstance(outcome, StoreUnavailable) for outcome in found)
    clock.is_broken = False
    await store.claim(b"next", until=until)
    await store.close()


async def test_fault_inside_a_transaction_ends_it(tmp_path: Path) -> None:
    """A claim that cannot be written leaves no lock behind."""
    clock = FakeClock()
    store, path = await opened(tmp_path, clock)
    until = clock() + timedelta(minutes=4)
    with pytest.raises(StoreUnavailable):
        await store.claim(2**70, until=until)  # OverflowError, which is no error of sqlite3
    with sqlite3.connect(path, isolation_level=None, timeout=0) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("ROLLBACK")
    other.close()
    await store.claim(b"next", until=until)
    await store.close()


async def test_cancelled_writing_is_begun_again(tmp_path: Path, monkeypatch) -> None:
    """Also when the writing itself is cancelled its claims are answered and later ones pass."""
    clock = FakeClock()
    store, _ = await opened(tmp_path, clock)
    until = clock() + timedelta(minutes=4)
    write, begun, may_end = store._write, threading.Event(), threading.Event()
    monkeypatch.setattr(
        store, "_write", lambda *batch: begun.set() or (may_end.wait(60) and write(*batch))
    )
    claim = asyncio.create_task(store.claim(b"first", until=until))
    await asyncio.to_thread(begun.wait, 60)
    store._flush.cancel()
    with pytest.raises(StoreUnavailable):
        await claim
    may_end.set()
    await store.claim(b"next", until=until)
    await store.close()


async def test_queue_is_bounded(tmp_path: Path) -> None:
    """More claims than can wait are refused at once; those that wait are answered."""
    store, _ = await opened(tmp_path, FakeClock())
    until = FakeClock()() + timedelta(minutes=4)
    claims = [
        asyncio.create_task(store.claim(n.to_bytes(16, "big"), until=until)) for n in range(9000)
    ]
    await asyncio.sleep(0)  # each claim has asked; the writing begins after them
    refused = [claim for claim in claims if claim.done()]
    assert refused == claims[8192:]
    assert all(isinstance(claim.exception(), StoreUnavailable) for claim in refused)
    assert await asyncio.gather(*claims[:8192]) == [None] * 8192
    await store.close()


async def test_expired_rows_leave_the_file(tmp_path: Path) -> None:
    """Claims remove twice as many expired rows as they add, so the table cannot grow for ever."""
    clock = FakeClock()
    store, path = await opened(tmp_path, clock)

    async def claim(names: range) -> None:
        until = clock() + timedelta(minutes=4)
        await asyncio.gather(*(store.claim(n.to_bytes(16, "big"), until=until) for n in names))

    await claim(range(1000))
    clock.advance(hours=1)
    await claim(range(1000, 1500))
    await store.close()
    with sqlite3.connect(path) as reader:
        assert reader.execute("SELECT count(*) FROM replay_tags").fetchone() == (500,)
    reader.close()


def test_url_without_a_file_is_refused() -> None:
    """A store that several processes share is a file."""
    with pytest.raises(StoreUnavailable):
        DatabaseReplayStore.open("sqlite+aiosqlite:///", FakeClock())
