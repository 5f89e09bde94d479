"""What replay stores hand to their tables."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.engine import make_url

from gateway.backends.database.postgresql_tags import PostgresqlTags
from gateway.backends.database.sqlite_tags import SqliteTags
from gateway.backends.database.tag_claim import TagTable


def test_both_databases_have_a_table() -> None:
    """Either table can stand behind a replay store; neither connects before the first claim."""
    url = make_url("postgresql+asyncpg://u@127.0.0.1:9/d")
    tables: list[TagTable] = [SqliteTags(Path("/none")), PostgresqlTags(url)]
    assert len(tables) == 2
