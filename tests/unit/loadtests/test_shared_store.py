"""What hosts share is the engines alone, and news that PostgreSQL was told to lose are lost."""

import asyncio
import time
from pathlib import Path

from sqlalchemy.engine import make_url

from gateway.backends.database.engine import open_engine
from gateway.backends.database.postgresql_news import TELL, PostgresqlNews
from gateway.settings import load_configuration
from loadtests.shared_store import Engine, SharedStore, mute, start_store
from tests.fakes.engines import PASSWORD, PostgresServer

DATABASE = "postgresql+asyncpg://u@127.0.0.1:5432/d"
REDIS = "redis://127.0.0.1:6379"
LONG_SECONDS = 20.0
SHORT_SECONDS = 0.1


def host(directory: Path, store: SharedStore) -> Path:
    """Return the configuration file of a host with its folder at *directory*."""
    directory.mkdir()
    file = directory / "sealgate.toml"
    base = '[upstream]\nuds = "vllm.sock"\napi_key_file = "vllm.key"\n[models.m]\n'
    file.write_text(base + store.sections(directory))
    return file


def test_hosts_share_engines_and_no_file(tmp_path: Path) -> None:
    """The gateway takes the sections; every file that they name is in the folder of the host."""
    configuration = load_configuration(host(tmp_path / "a", SharedStore(DATABASE, REDIS)))
    store, redis = configuration.settings.store, configuration.settings.redis
    assert redis is not None
    assert (store.url, redis.url) == (DATABASE, REDIS)
    assert store.directory.parent == tmp_path / "a"
    assert store.password_file == redis.password_file == tmp_path / "a" / "engine-password"
    assert (tmp_path / "a" / "engine-password").read_text() == PASSWORD


async def test_file_is_in_the_folder_of_the_host(tmp_path: Path) -> None:
    """Without servers the state is a SQLite file of the host, and there is no password."""
    async with start_store(Engine.SQLITE) as store:
        configuration = load_configuration(host(tmp_path / "a", store))
    assert configuration.at.database_url.startswith(f"sqlite+aiosqlite:///{tmp_path / 'a'}")
    assert not (tmp_path / "a" / "engine-password").exists()


async def test_muted_database_tells_nobody(postgresql: PostgresServer) -> None:
    """Who listens stays connected and is not woken by what another gateway tells."""
    name = postgresql.create_database()
    mute(postgresql, name)
    url = postgresql.url(name)
    news, engine = PostgresqlNews(make_url(url)), open_engine(url)
    await news.wait(LONG_SECONDS)  # ends when it is connected
    async with engine.begin() as connection:
        await connection.execute(TELL)
    began = time.monotonic()
    await news.wait(SHORT_SECONDS)
    assert time.monotonic() - began >= SHORT_SECONDS * 0.9
    listening = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = "
    assert await asyncio.to_thread(postgresql.run, f"{listening}'{name}'") == "1"
    await news.close()
    await engine.dispose()
