"""Connections: a private file, write-ahead logging, foreign keys, and no other kind of store."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, OperationalError

from gateway.backends.database.engine import commit, open_engine, use_write_ahead_log
from gateway.core.errors import StoreUnavailable


async def test_file_is_private_and_safe(tmp_path: Path) -> None:
    """The file has mode 0600 and every connection the pragmas that our promises need."""
    path = tmp_path / "store.db"
    engine = open_engine(f"sqlite+aiosqlite:///{path}")
    assert path.stat().st_mode & 0o777 == 0o600
    await use_write_ahead_log(engine)
    async with engine.connect() as connection:
        pragmas = {"journal_mode": "wal", "foreign_keys": 1, "synchronous": 2, "secure_delete": 1}
        for name, value in pragmas.items():
            assert (await connection.execute(text(f"PRAGMA {name}"))).scalar_one() == value
    await engine.dispose()


@pytest.mark.parametrize(("given", "milliseconds"), [(None, 3000), (0.5, 500), (600.0, 3000)])
async def test_wait_for_the_write_lock_is_bounded(
    tmp_path: Path, given: float | None, milliseconds: int
) -> None:
    """It is as short as the caller says and never longer than a caller's patience."""
    engine = open_engine(f"sqlite+aiosqlite:///{tmp_path / 'store.db'}", statement_seconds=given)
    async with engine.connect() as connection:
        busy = await connection.execute(text("PRAGMA busy_timeout"))
        assert busy.scalar_one() == milliseconds
    await engine.dispose()


@pytest.mark.parametrize("patient", [True, False])
async def test_mode_is_changed_when_the_file_is_free(tmp_path: Path, patient: bool) -> None:
    """A file that somebody holds is waited for, though not for ever."""
    path = tmp_path / "store.db"
    engine = open_engine(f"sqlite+aiosqlite:///{path}")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("CREATE TABLE t (x)")
    other.execute("BEGIN EXCLUSIVE")
    changing = asyncio.create_task(use_write_ahead_log(engine))
    if patient:
        await asyncio.sleep(0.1)
        other.execute("COMMIT")
        await changing
        async with engine.connect() as connection:
            mode = await connection.execute(text("PRAGMA journal_mode"))
            assert mode.scalar_one() == "wal"
    else:
        with pytest.raises(OperationalError):
            await changing
    other.close()
    await engine.dispose()


@pytest.mark.parametrize(
    "url",
    [
        "sqlite+aiosqlite:///",
        "sqlite+aiosqlite:///:memory:",
        "sqlite:///x",
        "sqlite+aiosqlite:////no/x",
    ],
)
def test_other_urls_are_refused(url: str) -> None:
    """A store in memory, of another driver or in a missing directory is refused."""
    with pytest.raises(StoreUnavailable):
        open_engine(url)


def test_link_is_refused(tmp_path: Path) -> None:
    """A link in place of the file is not followed."""
    (tmp_path / "store.db").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreUnavailable):
        open_engine(f"sqlite+aiosqlite:///{tmp_path / 'store.db'}")


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_what_a_database_refuses_to_commit_was_not_done(
    request: pytest.FixtureRequest, kind: str
) -> None:
    """Its answer came, and says so: that is no commit of which nobody knows."""
    engine = open_engine(request.getfixturevalue(f"{kind}_url"))
    async with engine.connect() as connection:
        await connection.execute(text("CREATE TABLE wanted (id INTEGER PRIMARY KEY)"))
        reference = "id INTEGER REFERENCES wanted (id) DEFERRABLE INITIALLY DEFERRED"
        await connection.execute(text(f"CREATE TABLE wanting ({reference})"))
        await connection.execute(text("INSERT INTO wanting VALUES (1)"))
        with pytest.raises(IntegrityError):
            await commit(connection)
    await engine.dispose()
