"""Connections to PostgreSQL: verified, few, and given up within a second when the server is hung.

The address is ``postgresql+asyncpg://USER@HOST:PORT/DATABASE`` with *password_file*, *ca_file*,
*certificate_file* and *certificate_key_file* as parameters, so that it holds no secret itself. A
password is read again for each connection, so it can be changed while the gateway runs.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final, NamedTuple

import asyncpg
from sqlalchemy import event
from sqlalchemy.engine import URL, ExceptionContext
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from gateway.core.errors import StoreUnavailable

DRIVER: Final = "postgresql+asyncpg"

REQUEST_SECONDS: Final = 0.9
"""What one statement may take while a request waits for it."""

DRIVER_ERRORS: Final = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # between the last word of a server that stops and its hanging up
)
"""What the driver raises by itself, without SQLAlchemy around it."""

_CONNECT_SECONDS: Final = 0.5
_FREE_CONNECTION_SECONDS: Final = 0.4  # with the one before less than a second, since both may come
_CONNECTIONS: Final = 4  # always open, for each store of a process
_MORE_CONNECTIONS: Final = 4  # at busy times
_IDLE_SECONDS: Final = 5  # a transaction whose process is frozen holds the lock of all others
_FILES: Final = frozenset({"password_file", "ca_file", "certificate_file", "certificate_key_file"})


class Access(NamedTuple):
    """What the driver is told of a server, and with which files it is verified and convinced."""

    arguments: Mapping[str, Any]
    """``host``, ``port``, ``user`` and ``database``, as the driver names them."""
    password_file: Path | None
    tls: ssl.SSLContext | None

    def password(self) -> str:
        """Return the password as the file has it now; empty without a file.

        Raises ``OSError`` when the file cannot be read.
        """
        return self.password_file.read_text("utf-8").strip() if self.password_file else ""


def parse_access(url: URL) -> Access:
    """Return how to reach the server of *url*.

    Without *ca_file* the authorities of the machine vouch for the server; only on loopback and
    over a Unix socket nobody does. Raises ``StoreUnavailable`` for a password in the address, an
    unknown parameter, or certificates that cannot be read.
    """
    parameters = {name: str(value) for name, value in url.query.items()}
    files = {name: Path(parameters.pop(name)) for name in _FILES & parameters.keys()}
    if url.password is not None:
        raise StoreUnavailable("The password of the store belongs into [store] password_file.")
    if parameters.keys() - {"host"} or not url.database or not url.username:
        raise StoreUnavailable(f"The store is {DRIVER}://USER@HOST:PORT/DATABASE.")
    host = parameters.get("host") or url.host or "localhost"
    arguments = {
        "host": host,
        "port": url.port or 5432,
        "user": url.username,
        "database": url.database,
    }
    return Access(arguments, files.get("password_file"), _tls(host, files))


def open_postgresql(url: URL, *, statement_seconds: float = REQUEST_SECONDS) -> AsyncEngine:
    """Return an engine for *url*; connects at the first use. Raises ``StoreUnavailable``.

    A connection whose server does not answer a statement in time is dropped at once, because any
    further word on it, a rollback too, would have to wait for that server.
    """
    engine = create_async_engine(
        url.set(query={}),
        hide_parameters=True,  # a hash or a wrapped key: never in the text of an error
        pool_size=_CONNECTIONS,
        max_overflow=_MORE_CONNECTIONS,
        pool_timeout=_FREE_CONNECTION_SECONDS,
        connect_args=connect_arguments(parse_access(url), statement_seconds=statement_seconds),
    )
    event.listen(engine.sync_engine, "checkout", _verify_open)
    event.listen(engine.sync_engine, "handle_error", _drop_if_hung)
    return engine


def connect_arguments(access: Access, *, statement_seconds: float) -> dict[str, Any]:
    """Return the arguments of ``asyncpg.connect``."""
    milliseconds = str(round(statement_seconds * 1000))
    return {
        **access.arguments,
        "password": access.password,
        "ssl": access.tls or False,
        "timeout": _CONNECT_SECONDS,
        # Longer than the server's own limit, which leaves the connection good.
        "command_timeout": statement_seconds + 0.05,
        "server_settings": {
            "application_name": "sealgate",
            "statement_timeout": milliseconds,
            "lock_timeout": milliseconds,
            "idle_in_transaction_session_timeout": str(_IDLE_SECONDS * 1000),
        },
    }


def _tls(host: str, files: Mapping[str, Path]) -> ssl.SSLContext | None:
    ca_file = files.get("ca_file")
    if ca_file is None and _is_here(host):
        return None
    try:
        context = ssl.create_default_context(cafile=ca_file)
        if "certificate_file" in files:
            context.load_cert_chain(files["certificate_file"], files.get("certificate_key_file"))
    except OSError:  # ssl.SSLError is one
        raise StoreUnavailable("The certificates for the store cannot be read.") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _is_here(host: str) -> bool:
    if host.startswith("/") or host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _verify_open(connection: DBAPIConnection, _record: object, _proxy: object) -> None:
    """Leave out, without asking the server, what it closed while nobody used it."""
    raw = connection.driver_connection
    if raw is None or raw.is_closed():
        raise DisconnectionError


def _drop_if_hung(context: ExceptionContext) -> None:
    if not isinstance(context.original_exception, TimeoutError) or context.connection is None:
        return
    raw = context.connection.connection.driver_connection
    if raw is not None:
        raw.terminate()
    context.is_disconnect = True
    context.invalidate_pool_on_disconnect = False
