"""The schema: migrations and tables agree, and a newer one is refused untouched."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, create_engine, text

from gateway import migrations
from gateway.backends.database.engine import open_engine
from gateway.backends.database.schema import verify_schema
from gateway.backends.database.store import DatabaseStore
from gateway.backends.database.tables import METADATA
from gateway.backends.database.upgrade import upgrade
from gateway.core.errors import StoreUnavailable
from tests.fakes.engines import PostgresServer

CREDENTIAL = "0000000000000001"
CLIENT = f"c-{CREDENTIAL}"


def differences(connection: Connection) -> list[object]:
    """Return what Alembic would still change."""
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, METADATA))


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the address of an empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path / 'store.db'}"
    server: PostgresServer = request.getfixturevalue("postgresql")
    return server.url(server.create_database())


async def test_migrations_and_tables_agree(url: str) -> None:
    """After all migrations nothing is left for Alembic to change; a second run does nothing."""
    await upgrade(url)
    await upgrade(url)
    await verify_schema(url)
    engine = open_engine(url)
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()


async def test_two_upgrades_at_once(url: str) -> None:
    """Two processes that start together both find the schema up to date."""
    await asyncio.gather(upgrade(url), upgrade(url))


async def test_newer_schema_is_refused(url: str) -> None:
    """A schema that this version does not know is named as such and left as it is."""
    await upgrade(url)
    engine = open_engine(url)
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for look in (upgrade, verify_schema):
        with pytest.raises(StoreUnavailable, match="newer"):
            await look(url)
    async with engine.connect() as connection:
        query = text("SELECT version_num FROM alembic_version")
        assert (await connection.execute(query)).scalar_one() == "9999"
    await engine.dispose()


async def test_no_database_is_unavailable(tmp_path: Path) -> None:
    """A file that is no database is refused with an error of ours."""
    (tmp_path / "store.db").write_bytes(b"not a database at all" * 200)
    with pytest.raises(StoreUnavailable):
        await upgrade(f"sqlite+aiosqlite:///{tmp_path / 'store.db'}")


def make_old_store(path: Path, *, client_id: str) -> None:
    """Make a store as of the third migration, with a client and a credential of *client_id*."""
    engine = create_engine(f"sqlite:///{path}")
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.set_main_option("path_separator", "os")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0003")
        now = "2026-01-01 00:00:00.000000"
        client = f"('{CLIENT}', 'application', '[\"m\"]', '[]', 0, 0, '{now}', '{now}', 'none')"
        connection.execute(text(f"INSERT INTO clients VALUES {client}".replace(":", r"\:")))
        credential = f"('{CREDENTIAL}', '{client_id}', 'v', '{now}', NULL)"
        connection.execute(text(f"INSERT INTO credentials VALUES {credential}".replace(":", r"\:")))
    engine.dispose()


async def test_rows_survive_every_migration(tmp_path: Path) -> None:
    """A store with a client that others refer to is brought up to date and loses nothing."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'store.db'}"
    make_old_store(tmp_path / "store.db", client_id=CLIENT)
    await upgrade(url)
    store = DatabaseStore.open(url)
    found = await store.find_client(CLIENT)
    assert found is not None
    assert found.client.models == {"m"}
    assert [c.credential_id for c in await store.list_credentials(CLIENT)] == [CREDENTIAL]
    await store.close()


async def test_rows_that_refer_to_nothing_end_a_migration(tmp_path: Path) -> None:
    """While tables are replaced nothing watches references, so the end is checked as a whole."""
    make_old_store(tmp_path / "store.db", client_id="nobody")
    url = f"sqlite+aiosqlite:///{tmp_path / 'store.db'}"
    with pytest.raises(StoreUnavailable, match="refer to nothing"):
        await upgrade(url)
    with pytest.raises(StoreUnavailable, match="older"):
        await verify_schema(url)
