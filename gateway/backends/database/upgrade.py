"""Brings the schema of the store up to date, and refuses one that a newer Sealgate made."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, func, select
from sqlalchemy.exc import SQLAlchemyError

from gateway import migrations
from gateway.backends.database.engine import (
    CHANGES_OPTION,
    open_engine,
    rest_foreign_keys,
    use_write_ahead_log,
    verify_foreign_keys,
)
from gateway.backends.database.postgresql import DRIVER_ERRORS
from gateway.backends.database.schema import known_schemas, present_schema, verify_known
from gateway.core.errors import StoreUnavailable

_MIGRATION_SECONDS: Final = 600.0  # a large table is rewritten while nothing waits for it
_LOCK_NUMBER: Final = 0x5EA16A7E
"""Names the lock of those who change the schema of a PostgreSQL database."""


async def upgrade(database_url: str) -> None:
    """Create or update the tables, in one transaction; does nothing when they are up to date.

    Several processes may do so at once: the second waits, then finds the work done. Raises
    ``StoreUnavailable`` when the schema is of a newer Sealgate (nothing is touched) or the database
    does not answer.
    """
    engine = open_engine(database_url, statement_seconds=_MIGRATION_SECONDS)
    try:
        await use_write_ahead_log(engine)
        async with engine.connect() as connection:
            await connection.execution_options(**{CHANGES_OPTION: True})
            await rest_foreign_keys(connection)
            async with connection.begin():
                await connection.run_sync(_upgrade)
    except (SQLAlchemyError, OSError, *DRIVER_ERRORS):
        raise StoreUnavailable("The schema of the store could not be updated.") from None
    finally:
        await engine.dispose()


def _upgrade(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":  # SQLite holds its write lock already
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK_NUMBER)))
    config = _config()
    config.attributes["connection"] = connection
    present = present_schema(connection)
    verify_known(present)
    if present != known_schemas()[-1]:
        command.upgrade(config, "head")
        verify_foreign_keys(connection)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.set_main_option("path_separator", "os")
    return config
