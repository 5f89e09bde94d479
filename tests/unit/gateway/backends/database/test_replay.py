"""Which table stands behind a replay store, by the address of the database."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.backends.database.postgresql_tags import PostgresqlTags
from gateway.backends.database.replay import DatabaseReplayStore
from gateway.backends.database.sqlite_tags import SqliteTags
from gateway.core.errors import StoreUnavailable
from tests.fakes.control import FakeClock


def test_either_database_has_a_table(tmp_path: Path) -> None:
    """A file and a server are told apart; neither is connected to before the first claim."""
    for url, table in (
        (f"sqlite+aiosqlite:///{tmp_path / 'none.db'}", SqliteTags),
        ("postgresql+asyncpg://u@127.0.0.1:9/d", PostgresqlTags),
    ):
        assert isinstance(DatabaseReplayStore.open(url, FakeClock())._table, table)
    assert not (tmp_path / "none.db").exists()


@pytest.mark.parametrize("url", ["sqlite+aiosqlite:///", "postgresql+asyncpg:///", "no address"])
def test_url_without_a_database_is_refused(url: str) -> None:
    """A store that several processes share has a place."""
    with pytest.raises(StoreUnavailable):
        DatabaseReplayStore.open(url, FakeClock())
