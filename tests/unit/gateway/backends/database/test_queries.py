"""What a transaction and the store read alike."""

from __future__ import annotations

from pathlib import Path

from gateway.backends.database import queries
from gateway.backends.database.engine import open_engine
from gateway.core.audit import EMPTY_TRAIL
from tests.fakes.database import make_database


async def test_fresh_database_is_empty(tmp_path: Path) -> None:
    """A fresh database has revision 0, an empty trail, and nobody in it."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'store.db'}"
    make_database(url)
    engine = open_engine(url)
    async with engine.connect() as connection:
        assert await queries.revision(connection) == 0
        assert await queries.audit_head(connection) == EMPTY_TRAIL
        assert await queries.find_client(connection, "c") is None
        assert await queries.find_proposal(connection, "p") is None
        assert await queries.credentials(connection, "c") == []
        assert await queries.revocations(connection, {}) == {}
        assert await queries.permission_uses(connection, "c") == []
    await engine.dispose()
