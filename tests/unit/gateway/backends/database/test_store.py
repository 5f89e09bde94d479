"""The database store, besides its contract: durable, shared between processes, silent in errors."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.backends.database.store import DatabaseStore
from gateway.backends.database.upgrade import upgrade
from gateway.core.errors import StoreUnavailable
from gateway.core.registry import Revocation, RevocationKind

REVOCATION = Revocation(RevocationKind.JTI, "j", datetime(2026, 11, 23, tzinfo=UTC), None)


async def test_change_is_seen_by_another_connection(tmp_path: Path) -> None:
    """What one process committed, another reads at once, with a new revision."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'store.db'}"
    await upgrade(url)
    one, two = DatabaseStore.open(url), DatabaseStore.open(url)
    before = await two.revision()
    async with one.change() as change:
        await change.add_revocation(REVOCATION)
    assert await two.revision() == before + 1
    assert (await two.load()).revocations == (REVOCATION,)
    await one.close()
    await two.close()


async def test_store_without_tables_is_unavailable(tmp_path: Path) -> None:
    """A store that was never upgraded refuses every call, with no text of the driver."""
    store = DatabaseStore.open(f"sqlite+aiosqlite:///{tmp_path / 'store.db'}")
    with pytest.raises(StoreUnavailable) as caught:
        await store.load()
    assert "revision" not in caught.value.detail
    with pytest.raises(StoreUnavailable):
        async with store.change():
            pass
    await store.close()


async def test_destroyed_file_is_unavailable(tmp_path: Path) -> None:
    """A file that is no database is an error of ours, not of the driver."""
    path = tmp_path / "store.db"
    path.write_bytes(b"not a database, but long enough to be looked at" * 100)
    store = DatabaseStore.open(f"sqlite+aiosqlite:///{path}")
    with pytest.raises(StoreUnavailable):
        await store.revision()
    await store.close()
