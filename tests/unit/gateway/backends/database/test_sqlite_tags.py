"""Tags in a SQLite file: exact across processes, never half, and no longer than needed."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.backends import batched_replay
from gateway.backends.database.replay import DatabaseReplayStore
from gateway.core.errors import Replayed, StoreUnavailable
from tests.fakes.control import FakeClock
from tests.fakes.database import make_database

CLAIMANT = """
import asyncio, sys
from datetime import UTC, datetime, timedelta
from gateway.backends import batched_replay
from gateway.backends.database import sqlite_tags
from gateway.backends.database.replay import DatabaseReplayStore
from gateway.core.errors import Replayed

batched_replay._ANSWER_SECONDS = sqlite_tags._BUSY_SECONDS = 60.0

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
    monkeypatch.setattr(batched_replay, "_ANSWER_SECONDS", 60.0)


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
