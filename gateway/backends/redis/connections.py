"""Connections to Redis or Valkey, each of which is taken only if the server forgets nothing.

A server that evicts keys, keeps no log of them or is a replica would let a request pass a second
time after it forgot the first, so a connection to one is refused like a server that is away.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from redis.asyncio.connection import (
    AbstractConnection,
    BlockingConnectionPool,
    Connection,
    SSLConnection,
    UnixDomainSocketConnection,
)
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.credentials import CredentialProvider
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

_SECONDS: Final = 0.8  # to connect, for each command, and for a connection to be free in a burst
_CONNECTIONS: Final = 16
_NEEDED: Final = {
    "role": ("master", "it is a replica"),
    "maxmemory_policy": ("noeviction", "maxmemory-policy is not noeviction"),
    "aof_enabled": ("1", "appendonly is not on"),
}
"""What INFO must say, or else what is wrong. Both Redis and Valkey say it in these words."""


class Unfit(RedisConnectionError):
    """The server is there, but what it is told it may forget; the text says why."""


FAULTS: Final = (RedisError, OSError, ValueError)
"""What commands raise; the last by what is no answer of Redis at all."""


class RedisAddress(NamedTuple):
    """Where the server is and how it knows us: ``redis://``, ``rediss://`` or ``unix://``."""

    url: str
    user: str = "default"
    password_file: Path | None = None
    ca_file: Path | None = None


def open_pool(address: RedisAddress) -> BlockingConnectionPool:
    """Return a pool for *address*; connects at the first use, and anew after the server was away.

    Its commands raise ``RedisError`` when the server does not answer in time, and :class:`Unfit`
    when it is not one to be relied on. Callers set a limit of their own for everything together.
    Nothing is tried again, since a claim may be taken although its answer was lost.
    """
    parts = urlsplit(address.url)
    place: dict[str, Any]
    connection_class: type[AbstractConnection] = Connection
    if parts.scheme == "unix":
        place, connection_class = {"path": parts.path}, UnixDomainSocketConnection
    else:
        place = {"host": parts.hostname or "localhost", "port": parts.port or 6379}
        place["db"] = int(parts.path.strip("/") or 0)
        place["socket_connect_timeout"] = _SECONDS
    if parts.scheme == "rediss":
        connection_class = SSLConnection
        place["ssl_min_version"] = ssl.TLSVersion.TLSv1_2
        place["ssl_ca_certs"] = str(address.ca_file) if address.ca_file else None
    if address.password_file is not None:
        place["credential_provider"] = _PasswordFile(address.user, address.password_file)
    return BlockingConnectionPool(
        max_connections=_CONNECTIONS,
        timeout=_SECONDS,
        connection_class=connection_class,
        socket_timeout=_SECONDS,
        retry=Retry(NoBackoff(), 0),
        protocol=2,
        driver_info=None,
        redis_connect_func=_connect,
        **place,
    )


def verify_fit(info: Mapping[str, str]) -> None:
    """Raise :class:`Unfit` unless a server that says *info* of itself keeps what it is told."""
    for name, (needed, fault) in _NEEDED.items():
        if info.get(name) != needed:
            raise Unfit(f"Redis cannot be relied on: {fault}.")


def parse_info(text: bytes) -> dict[str, str]:
    """Return the fields of an answer to INFO; what is no field is left out."""
    lines = text.decode("utf-8", "replace").splitlines()
    return {name: value for name, _, value in (line.partition(":") for line in lines) if value}


class _PasswordFile(CredentialProvider):
    """User and password, the latter as the file has it when a connection is made."""

    def __init__(self, user: str, file: Path) -> None:
        self._user = user
        self._file = file

    def get_credentials(self) -> tuple[str, str]:
        """Return both. Raises ``RedisError`` when the file cannot be read."""
        try:
            return self._user, self._file.read_text("utf-8").strip()
        except OSError:
            raise RedisConnectionError("the password file cannot be read") from None

    async def get_credentials_async(self) -> tuple[str, str]:
        """Return the same; the file is small and on this machine."""
        return self.get_credentials()


async def _connect(connection: AbstractConnection) -> None:
    await connection.on_connect()
    await connection.send_command("INFO")
    answer = await connection.read_response()
    verify_fit(parse_info(answer if isinstance(answer, bytes) else b""))
