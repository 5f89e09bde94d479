"""Counts in the database: what is over goes, and a database that is away says so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from gateway.backends.database.engine import open_engine
from gateway.backends.database.lockout import DatabaseLockoutStore
from gateway.backends.database.tables import LOCKOUTS
from gateway.core.errors import StoreUnavailable
from gateway.core.lockout import LockoutRules

NOW = datetime(2026, 11, 23, tzinfo=UTC)
RULES = LockoutRules()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_what_is_over_is_removed(request: pytest.FixtureRequest, kind: str) -> None:
    """Rows go with later failures, faster than these add new ones."""
    url = request.getfixturevalue(f"{kind}_url")
    store, engine = DatabaseLockoutStore.open(url), open_engine(url)
    for number in range(30):
        await store.count_failure(bytes([number]) * 16, RULES, now=NOW)
    later = NOW + 2 * RULES.window
    for number in range(2):
        await store.count_failure(bytes([100 + number]) * 16, RULES, now=later)
    async with engine.connect() as connection:
        left = (await connection.execute(select(func.count()).select_from(LOCKOUTS))).scalar_one()
    assert left == 2
    await store.close()
    await engine.dispose()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_there_are_not_too_many(request: pytest.FixtureRequest, kind: str) -> None:
    """Whoever fails under ever new names fills no disk, and frees nobody who is locked out."""
    engine = open_engine(request.getfixturevalue(f"{kind}_url"))
    store, rules = DatabaseLockoutStore(engine, max_pairs=30), LockoutRules(failures=2)
    locked, first = b"l" * 16, b"f" * 16
    for pair in (first, locked, locked):
        await store.count_failure(pair, rules, now=NOW)
    for number in range(60):
        moment = NOW + timedelta(milliseconds=number)
        await store.count_failure(bytes([number]) * 16, rules, now=moment)
    async with engine.connect() as connection:
        left = (await connection.execute(select(func.count()).select_from(LOCKOUTS))).scalar_one()
    assert 20 < left <= 31
    assert await store.find(first) is None
    assert await store.find(locked) is not None
    assert await store.find(bytes([59]) * 16) is not None
    await store.close()


async def test_database_that_is_away(tmp_path: Path) -> None:
    """Without its table nothing is counted, and the caller hears so."""
    store = DatabaseLockoutStore.open(f"sqlite+aiosqlite:///{tmp_path / 'empty.db'}")
    with pytest.raises(StoreUnavailable):
        await store.find(b"p")
    with pytest.raises(StoreUnavailable):
        await store.count_failure(b"p", RULES, now=NOW + timedelta(1))
    await store.close()
