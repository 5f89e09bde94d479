"""Brings the schema of the store up to date, and refuses one that a newer Sealgate made."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from gateway import migrations
from gateway.backends.database.engine import CHANGES_OPTION, open_engine, use_write_ahead_log
from gateway.core.errors import StoreUnavailable


async def upgrade(database_url: str) -> None:
    """Create or update the tables, in one transaction; does nothing when they are up to date.

    Several processes may do so at once: the second waits, then finds the work done. Raises
    ``StoreUnavailable`` when the schema is of a newer Sealgate (nothing is touched) or the database
    does not answer.
    """
    engine = open_engine(database_url)
    try:
        await use_write_ahead_log(engine)
        async with engine.connect() as connection:
            await connection.execution_options(**{CHANGES_OPTION: True})
            async with connection.begin():
                await connection.run_sync(_upgrade)
    except SQLAlchemyError:
        raise StoreUnavailable("The schema of the store could not be updated.") from None
    finally:
        await engine.dispose()


def _upgrade(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if not set(MigrationContext.configure(connection).get_current_heads()) <= known:
        raise StoreUnavailable("The store was made by a newer Sealgate; this one cannot use it.")
    command.upgrade(config, "head")
