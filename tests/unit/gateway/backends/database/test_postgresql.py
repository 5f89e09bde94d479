"""Addresses of PostgreSQL: no secret in them, a server that is verified, a password read anew."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from gateway.backends.database.engine import connected
from gateway.backends.database.postgresql import Access, open_postgresql, parse_access
from gateway.backends.database.store import DatabaseStore
from gateway.core.errors import StoreUnavailable
from tests.fakes.certificates import ClientAuthority
from tests.fakes.engines import PASSWORD, PostgresServer


def access(text: str) -> Access:
    """Return how *text* is understood."""
    return parse_access(make_url(f"postgresql+asyncpg://{text}"))


def test_parts_of_an_address() -> None:
    """Host, port, user and database go to the driver; the usual port need not be named."""
    expected = {"host": "127.0.0.1", "port": 5432, "user": "u", "database": "d"}
    assert access("u@127.0.0.1/d").arguments == expected
    assert access("u@127.0.0.1:9/d").arguments == expected | {"port": 9}
    assert access("u@/d?host=/run/postgresql").arguments == expected | {"host": "/run/postgresql"}


@pytest.mark.parametrize("text", ["u:hush@127.0.0.1/d", "u@127.0.0.1", "127.0.0.1/d", "u@x/d?q=1"])
def test_address_of_another_form_is_refused(text: str) -> None:
    """A password, a missing name or an unknown parameter is refused, and none is repeated."""
    with pytest.raises(StoreUnavailable) as caught:
        access(text)
    assert "hush" not in caught.value.detail


@pytest.mark.parametrize(
    ("text", "is_verified"),
    [
        ("u@127.0.0.1/d", False),
        ("u@[::1]/d", False),
        ("u@localhost/d", False),
        ("u@/d?host=/run", False),
        ("u@db.example/d", True),
        ("u@10.0.0.1/d", True),
        ("u@127.0.0.1.example/d", True),
    ],
)
def test_server_elsewhere_is_verified(text: str, is_verified: bool) -> None:
    """Whoever is not on this machine must prove its name with a certificate."""
    tls = access(text).tls
    assert (tls is not None) == is_verified
    if tls is not None:
        assert tls.verify_mode is ssl.CERT_REQUIRED
        assert tls.check_hostname


@pytest.mark.parametrize("name", ["ca_file", "certificate_file"])
def test_unreadable_certificates_are_refused(tmp_path: Path, name: str) -> None:
    """Files that are missing are found out before anything is sent."""
    with pytest.raises(StoreUnavailable, match="certificates"):
        access(f"u@db.example/d?{name}={tmp_path / 'none'}")


def test_password_is_read_anew(tmp_path: Path) -> None:
    """A password that was changed is used for the next connection, without a line's end."""
    file = tmp_path / "password"
    found = access(f"u@127.0.0.1/d?password_file={file}")
    for password in ("one", "two"):
        file.write_text(password + "\n")
        assert found.password() == password
    assert access("u@127.0.0.1/d").password() == ""


async def test_wrong_password_is_unavailable(postgresql: PostgresServer, tmp_path: Path) -> None:
    """A server that refuses us is away as far as callers know, and its text stays with it."""
    (tmp_path / "password").write_text("wrong")
    url = postgresql.url("postgres").replace(
        str(postgresql.password_file), str(tmp_path / "password")
    )
    store = DatabaseStore.open(url)
    with pytest.raises(StoreUnavailable) as caught:
        await store.revision()
    assert "password" not in caught.value.detail
    (tmp_path / "password").unlink()
    with pytest.raises(StoreUnavailable):
        await store.revision()
    await store.close()


async def test_server_without_tls_is_refused(postgresql: PostgresServer, tmp_path: Path) -> None:
    """Where TLS is asked for nothing is sent without it, the password least of all."""
    authority = ClientAuthority(tmp_path)
    store = DatabaseStore.open(f"{postgresql.url('postgres')}&ca_file={authority.file}")
    with pytest.raises(StoreUnavailable):
        await store.revision()
    await store.close()


async def test_lock_that_is_held_is_not_waited_for(postgresql_url: str) -> None:
    """A statement that waits for another transaction is given up, and the connection stays."""
    one = open_postgresql(make_url(postgresql_url))
    two = open_postgresql(make_url(postgresql_url), statement_seconds=0.05)
    update = "UPDATE revision SET value = value"
    async with connected(one) as holder, connected(two) as waiter:
        await holder.exec_driver_sql(update)
        pid = (await waiter.exec_driver_sql("SELECT pg_backend_pid()")).scalar_one()
        with pytest.raises(Exception, match="timeout"):
            await waiter.exec_driver_sql(update)
        await waiter.rollback()
        assert (await waiter.exec_driver_sql("SELECT pg_backend_pid()")).scalar_one() == pid
    await one.dispose()
    await two.dispose()


async def test_no_secret_in_what_is_shown(postgresql_url: str) -> None:
    """Neither the engine nor its address shows the password."""
    engine = open_postgresql(make_url(postgresql_url))
    assert PASSWORD not in f"{engine!r} {engine.url!r}"
    await engine.dispose()
