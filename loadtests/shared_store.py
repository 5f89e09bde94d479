"""The store that a group of gateways shares: a SQLite file, or real servers on loopback.

Hosts have nothing in common but the addresses of the servers, and passwords, of which each gets a
copy. The servers are those of the development lock.
"""

from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from loadtests.processes import NotStartedError
from tests.fakes.engines import PASSWORD, PostgresServer, RedisServer

_CONNECTIONS = 300
"""For ten gateways, each of which takes 28 at most."""
_MUTE = "CREATE FUNCTION public.pg_notify(text, text) RETURNS void LANGUAGE sql AS 'SELECT'"
"""Takes the place of PostgreSQL's own where it is found first, and tells nobody anything."""


class Engine(StrEnum):
    """Where the state of all gateways is."""

    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"
    POSTGRESQL_REDIS = "postgresql+redis"


@dataclass(frozen=True, slots=True)
class SharedStore:
    """Where the engines are; with no address the state is a SQLite file of the host."""

    database_url: str | None = None
    redis_url: str | None = None

    def sections(self, directory: Path) -> str:
        """Return ``[store]`` and ``[redis]`` of the host whose folder is *directory*.

        Its state will be in ``store`` there, and the password of the engines lies beside that.
        """
        file = directory / "engine-password"
        password = f'password_file = "{file}"'
        lines = ["[store]", f'directory = "{directory / "store"}"']
        if self.database_url is not None:
            file.write_text(PASSWORD)
            lines += [f'url = "{self.database_url}"', password]
        if self.redis_url is not None:
            lines += ["[redis]", f'url = "{self.redis_url}"', password]
        return "\n".join(lines)


@asynccontextmanager
async def start_store(engine: Engine, *, is_told: bool = True) -> AsyncIterator[SharedStore]:
    """Run the servers of *engine* until the block ends.

    Unless *is_told*, PostgreSQL takes what is to be told of a change and drops it, so gateways hear
    of nothing and have to look. Raises ``NotStartedError`` without the servers' packages.
    """
    if engine is Engine.SQLITE:
        yield SharedStore()
        return
    if PostgresServer.find() is None or RedisServer.find() is None:
        raise NotStartedError("the engines of the development lock are not installed")
    with ExitStack() as engines:
        database = PostgresServer(fsync="on", max_connections=str(_CONNECTIONS))
        engines.callback(database.close)
        database.start()
        name = database.create_database()
        if not is_told:
            mute(database, name)
        redis_url = None
        if engine is Engine.POSTGRESQL_REDIS:
            redis = RedisServer()
            engines.callback(redis.close)
            redis.start()
            redis_url = f"redis://127.0.0.1:{redis.port}"
        yield SharedStore(database.url(name).partition("?")[0], redis_url)


def mute(server: PostgresServer, database: str) -> None:
    """Let everything be lost that is told in *database*, over connections made from now on.

    Who listens stays connected. Ending that connection instead would have the gateway look more
    often than it does by itself, since it looks whenever it has one again.
    """
    server.run(_MUTE, database=database)
    server.run(f"ALTER DATABASE {database} SET search_path = public, pg_catalog")
