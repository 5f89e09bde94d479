"""Which schema a store has, told without Alembic and as Alembic would."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from gateway import migrations
from gateway.backends.database.engine import open_engine
from gateway.backends.database.schema import (
    known_schemas,
    present_schema,
    verify_known,
    verify_schema,
)
from gateway.backends.database.upgrade import upgrade
from gateway.core.errors import StoreUnavailable


def test_known_schemas_are_alembics() -> None:
    """The files are numbered as they follow each other, the newest last."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.set_main_option("path_separator", "os")
    script = ScriptDirectory.from_config(config)
    assert script.get_heads() == [known_schemas()[-1]]
    assert [known.revision for known in script.walk_revisions()] == known_schemas()[::-1]


async def test_present_schema(tmp_path: Path) -> None:
    """Nothing in an empty store, the newest after an upgrade."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'store.db'}"
    engine = open_engine(url)
    async with engine.connect() as connection:
        assert await connection.run_sync(present_schema) == ""
    await upgrade(url)
    await verify_schema(url)
    async with engine.connect() as connection:
        assert await connection.run_sync(present_schema) == known_schemas()[-1]
    await engine.dispose()


@pytest.mark.parametrize("schema", ["9999", "0001,0002"])
def test_schema_of_another_version(schema: str) -> None:
    """What this version does not know was made by a newer one."""
    with pytest.raises(StoreUnavailable, match="newer"):
        verify_known(schema)


async def test_old_schema_is_refused_untouched(tmp_path: Path) -> None:
    """Who only looks is told to migrate, for an empty database too, and nothing is made."""
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="sealgate migrate"):
            await verify_schema(f"sqlite+aiosqlite:///{tmp_path / 'store.db'}")
