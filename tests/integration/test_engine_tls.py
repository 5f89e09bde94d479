"""PostgreSQL and Redis over TLS: only with the pinned authority and under the right name."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.backends.certificates import CertificateFiles, ensure_certificates
from gateway.backends.database.store import DatabaseStore
from gateway.backends.redis.connections import RedisAddress, open_pool
from gateway.backends.redis.replay import RedisReplayStore
from gateway.core.errors import StoreUnavailable
from tests.fakes.balancer import passing_on
from tests.fakes.engines import RedisServer


def certificates(folder: Path, name: str = "127.0.0.1") -> tuple[ssl.SSLContext, Path]:
    """Return what a server called *name* shows, and the authority that vouches for it."""
    files = CertificateFiles.in_directory(folder)
    ensure_certificates(files, [name], now=datetime.now(UTC))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    return context, files.ca_certificate


@pytest.mark.parametrize(
    ("name", "pinned", "is_let_in"),
    [("127.0.0.1", "own", True), ("127.0.0.1", "other", False), ("db.example", "own", False)],
    ids=["right", "another authority", "another name"],
)
class TestTls:
    """One server certificate and one pinned authority."""

    async def test_postgresql(
        self, postgresql_url: str, tmp_path: Path, name: str, pinned: str, is_let_in: bool
    ) -> None:
        """The store is reached, or is away: nothing is sent to a server that is not the one."""
        context, own = certificates(tmp_path / "own", name)
        _, other = certificates(tmp_path / "other")
        address, _, rest = postgresql_url.partition("@127.0.0.1:")
        port, _, rest = rest.partition("/")
        async with passing_on([int(port)], tls=context, as_postgresql=True) as front:
            ca_file = {"own": own, "other": other}[pinned]
            store = DatabaseStore.open(f"{address}@127.0.0.1:{front}/{rest}&ca_file={ca_file}")
            if is_let_in:
                assert await store.revision() == 0
            else:
                with pytest.raises(StoreUnavailable):
                    await store.revision()
            await store.close()

    async def test_redis(
        self, redis_server: RedisServer, tmp_path: Path, name: str, pinned: str, is_let_in: bool
    ) -> None:
        """The same for Redis."""
        context, own = certificates(tmp_path / "own", name)
        _, other = certificates(tmp_path / "other")
        async with passing_on([redis_server.port], tls=context) as front:
            place = RedisAddress(
                f"rediss://127.0.0.1:{front}",
                password_file=redis_server.password_file,
                ca_file={"own": own, "other": other}[pinned],
            )
            store = RedisReplayStore(open_pool(place), lambda: datetime.now(UTC))
            until = datetime.now(UTC) + timedelta(minutes=1)
            if is_let_in:
                await store.claim(name.encode() + tmp_path.name.encode(), until=until)
            else:
                with pytest.raises(StoreUnavailable):
                    await store.claim(b"t", until=until)
            await store.close()
