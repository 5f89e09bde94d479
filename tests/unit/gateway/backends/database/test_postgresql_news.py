"""News of changes: at once where they come, and no later than asked where they do not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from sqlalchemy.engine import make_url

from gateway.backends.database.postgresql_news import PostgresqlNews, find_news
from gateway.backends.database.store import DatabaseStore
from gateway.core.registry import Revocation, RevocationKind
from tests.fakes.engines import PostgresServer
from tests.story.processes import free_port

LONG_SECONDS = 20.0
SHORT_SECONDS = 0.1


@pytest.fixture
async def news(postgresql_url: str) -> AsyncIterator[PostgresqlNews]:
    """Give somebody who listens already."""
    listening = PostgresqlNews(make_url(postgresql_url))
    await listening.wait(LONG_SECONDS)  # ends when it is connected: what was before, nobody heard
    yield listening
    await listening.close()


@pytest.fixture
async def store(postgresql_url: str) -> AsyncIterator[DatabaseStore]:
    """Give another gateway's store on the same database."""
    opened = DatabaseStore.open(postgresql_url)
    yield opened
    await opened.close()


async def revoke(store: DatabaseStore, *, fails: bool = False) -> None:
    """Change something, or nearly."""
    async with store.change() as change:
        await change.add_revocation(
            Revocation(RevocationKind.JTI, "j", datetime(2026, 11, 23, tzinfo=UTC), None)
        )
        if fails:
            raise ValueError


async def waited(news: PostgresqlNews, seconds: float) -> float:
    """Return for how long a wait of *seconds* went on."""
    began = time.monotonic()
    await news.wait(seconds)
    return time.monotonic() - began


async def test_change_is_told_at_once(news: PostgresqlNews, store: DatabaseStore) -> None:
    """Who waits hears of a change of another gateway, and of one from just before it waited."""
    waiting = asyncio.create_task(waited(news, LONG_SECONDS))
    await asyncio.sleep(SHORT_SECONDS)
    await revoke(store)
    assert await waiting < LONG_SECONDS / 2
    await revoke(store)
    await asyncio.sleep(SHORT_SECONDS)
    assert await waited(news, LONG_SECONDS) < LONG_SECONDS / 2


async def test_nothing_is_told_of_what_did_not_happen(
    news: PostgresqlNews, store: DatabaseStore
) -> None:
    """A change that was rolled back wakes nobody."""
    with pytest.raises(ValueError, match=r"^$"):
        await revoke(store, fails=True)
    assert await waited(news, SHORT_SECONDS) >= SHORT_SECONDS * 0.9


async def test_lost_connection_is_made_again(
    news: PostgresqlNews, store: DatabaseStore, postgresql: PostgresServer
) -> None:
    """Without its connection a wait ends when it was asked to; a new one hears again."""
    postgresql.run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE query LIKE 'LISTEN%' AND pid <> pg_backend_pid()"
    )
    while await waited(news, SHORT_SECONDS) >= SHORT_SECONDS * 0.9:
        pass  # ends when there is a connection again, since news may have been missed
    await revoke(store)
    assert await waited(news, LONG_SECONDS) < LONG_SECONDS / 2


async def test_server_that_is_away_delays_nobody() -> None:
    """Where nobody answers a wait is as long as asked, however often, and ends quietly."""
    news = PostgresqlNews(make_url(f"postgresql+asyncpg://u@127.0.0.1:{free_port()}/d"))
    for _ in range(2):
        assert SHORT_SECONDS * 0.9 <= await waited(news, SHORT_SECONDS) < 1
    await news.close()


def test_only_postgresql_tells() -> None:
    """A file has no news; whoever waits for it waits for the time to pass."""
    assert find_news("sqlite+aiosqlite:///x") is None
    assert find_news("postgresql+asyncpg://u@127.0.0.1/d") is not None
