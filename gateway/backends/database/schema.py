"""Which schema a store has, looked up without the tool that changes it.

A gateway that serves only asks; Alembic, which it would else keep in memory, is for ``upgrade``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sqlalchemy import Connection, column, inspect, select, table

from gateway import migrations
from gateway.backends.database.engine import connected, open_engine
from gateway.core.errors import StoreUnavailable

_VERSIONS: Final = Path(migrations.__file__).parent / "versions"
_PRESENT: Final = table("alembic_version", column("version_num"))


def known_schemas() -> list[str]:
    """Return the names of the schemas that this version knows, the oldest first."""
    return sorted(path.name.partition("_")[0] for path in _VERSIONS.glob("[0-9]*.py"))


def present_schema(connection: Connection) -> str:
    """Return the name of the schema that is there; empty without tables."""
    if not inspect(connection).has_table(_PRESENT.name):
        return ""
    return ",".join(sorted(connection.execute(select(_PRESENT.c.version_num)).scalars()))


def verify_known(schema: str) -> None:
    """Raise ``StoreUnavailable`` when *schema* is of a newer Sealgate."""
    if schema and schema not in known_schemas():
        raise StoreUnavailable("The store was made by a newer Sealgate; this one cannot use it.")


async def verify_schema(database_url: str) -> None:
    """Raise ``StoreUnavailable``, which says what to do, unless the schema is this version's."""
    engine = open_engine(database_url)
    try:
        async with connected(engine) as connection:
            present = await connection.run_sync(present_schema)
    finally:
        await engine.dispose()
    verify_known(present)
    if present != known_schemas()[-1]:
        raise StoreUnavailable("The store is of an older Sealgate; run `sealgate migrate` first.")
