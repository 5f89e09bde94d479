"""The schema: migrations and tables agree, and a newer one is refused untouched."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text

from gateway.backends.database.engine import open_engine
from gateway.backends.database.tables import METADATA
from gateway.backends.database.upgrade import upgrade
from gateway.core.errors import StoreUnavailable


def differences(connection: Connection) -> list[object]:
    """Return what Alembic would still change."""
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, METADATA))


async def test_migrations_and_tables_agree(tmp_path: Path) -> None:
    """After all migrations nothing is left for Alembic to change; a second run does nothing."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'store.db'}"
    await upgrade(url)
    await upgrade(url)
    engine = open_engine(url)
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()


async def test_two_upgrades_at_once(tmp_path: Path) -> None:
    """Two processes that start together both find the schema up to date."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'store.db'}"
    await asyncio.gather(upgrade(url), upgrade(url))


async def test_newer_schema_is_refused(tmp_path: Path) -> None:
    """A schema that this version does not know is named as such and left as it is."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'store.db'}"
    await upgrade(url)
    engine = open_engine(url)
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreUnavailable, match="newer"):
        await upgrade(url)
    async with engine.connect() as connection:
        query = text("SELECT version_num FROM alembic_version")
        assert (await connection.execute(query)).scalar_one() == "9999"
    await engine.dispose()


async def test_no_database_is_unavailable(tmp_path: Path) -> None:
    """A file that is no database is refused with an error of ours."""
    (tmp_path / "store.db").write_bytes(b"not a database at all" * 200)
    with pytest.raises(StoreUnavailable):
        await upgrade(f"sqlite+aiosqlite:///{tmp_path / 'store.db'}")
