"""Tags of recent requests in the database, for all processes that share it."""

from __future__ import annotations

from pathlib import Path

from gateway.backends.batched_replay import BatchedReplayStore
from gateway.backends.database.engine import SQLITE_DRIVER, parse_database_url
from gateway.backends.database.postgresql import DRIVER as POSTGRESQL_DRIVER
from gateway.backends.database.postgresql_tags import PostgresqlTags
from gateway.backends.database.sqlite_tags import SqliteTags
from gateway.core.errors import StoreUnavailable
from gateway.core.ports import Clock


class DatabaseReplayStore(BatchedReplayStore):
    """A ``ReplayStore`` in a database whose schema is up to date. Belongs to one event loop."""

    @classmethod
    def open(cls, database_url: str, clock: Clock) -> DatabaseReplayStore:
        """Return a store at an address of ``open_engine``. Connects at the first claim.

        Raises ``StoreUnavailable`` for a URL without a file or database.
        """
        url = parse_database_url(database_url)
        if url.drivername == POSTGRESQL_DRIVER:
            return cls(PostgresqlTags(url), clock)
        if not url.database:
            raise StoreUnavailable(f"The store is a file: {SQLITE_DRIVER}:///PATH.")
        return cls(SqliteTags(Path(url.database).absolute()), clock)
