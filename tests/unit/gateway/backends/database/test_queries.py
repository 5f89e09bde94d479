"""What a transaction and the store read alike."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import event

from gateway.backends.database import queries
from gateway.backends.database.engine import open_engine
from gateway.core.audit import EMPTY_TRAIL
from tests.fakes.database import make_database

CREDENTIAL = "0123456789abcdef"
CLIENT = f"c-{CREDENTIAL}"
PROPOSAL = "p-" + "0" * 28


async def test_fresh_database_is_empty(tmp_path: Path) -> None:
    """A fresh database has revision 0, an empty trail, and nobody in it."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'store.db'}"
    make_database(url)
    engine = open_engine(url)
    async with engine.connect() as connection:
        assert await queries.revision(connection) == 0
        assert await queries.audit_head(connection) == EMPTY_TRAIL
        assert await queries.find_client(connection, CLIENT) is None
        assert await queries.find_proposal(connection, PROPOSAL) is None
        assert await queries.credentials(connection, CLIENT) == []
        assert await queries.revocations(connection, {}) == {}
        assert await queries.permission_uses(connection, CLIENT) == []
    await engine.dispose()


@pytest.mark.parametrize("named", ["", "canary", f" {CLIENT}", f"{CREDENTIAL}\n", CLIENT.upper()])
async def test_what_is_no_name_of_ours_reaches_no_database(tmp_path: Path, named: str) -> None:
    """A database may log the parameters of a look-up, and strangers put anything there."""
    engine = open_engine(f"sqlite+aiosqlite:///{tmp_path / 'store.db'}")
    parameters: list[object] = []
    event.listen(
        engine.sync_engine,
        "before_cursor_execute",
        lambda *execution: parameters.append(execution[3]),
    )
    async with engine.connect() as connection:
        assert await queries.find_client(connection, named) is None
        assert await queries.find_credential(connection, named) is None
        assert await queries.find_proposal(connection, named) is None
        assert await queries.credentials(connection, named) == []
        assert await queries.permission_uses(connection, named) == []
    assert parameters == []
    await engine.dispose()
