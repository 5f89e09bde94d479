"""One vLLM, over its Unix socket, TLS or loopback: pooled keep-alive connections.

Written on asyncio protocols and httptools because general HTTP clients cost more CPU for each token
than all other stages together (ADR-0006). Only what the gateway itself sends and vLLM answers is
supported: one request at a time, no redirects, no compression, no cookies.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from gateway.backends.upstream_answer import Answer, AnswerLimits, StaleConnection
from gateway.backends.upstream_connection import Connection
from gateway.core.errors import UpstreamUnavailable
from gateway.core.secret import Secret
from gateway.core.upstream_port import UpstreamRequest

ApiKey = Callable[[], Secret[str]]
"""Gives the key that vLLM wants to see. Raises ``UpstreamUnavailable`` while there is none."""

_MAX_IDLE_CONNECTIONS: Final = 64
_HEALTH: Final = UpstreamRequest("GET", "/health")


class NothingSent(UpstreamUnavailable):
    """There was no connection or no key, so not a byte of the request has left the gateway."""


class ApiKeyFile:
    """vLLM's key out of a file, which is read anew whenever there is another one.

    vLLM gets a new key at each start, also after a crash; it comes in a file of its own, which
    takes the place of the one before.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._version: tuple[int, ...] = ()
        self._key: Secret[str]

    def __call__(self) -> Secret[str]:
        """Return the key as it is now. Raises ``UpstreamUnavailable`` when it cannot be read."""
        try:
            status = self._path.stat()
            version = (status.st_ino, status.st_mtime_ns, status.st_ctime_ns, status.st_size)
            if version != self._version:
                self._key = Secret(self._path.read_bytes().decode("ascii").strip())
                self._version = version
        except (OSError, UnicodeDecodeError):
            raise UpstreamUnavailable from None
        return self._key


class UpstreamAddress(Protocol):
    """Where a vLLM listens."""

    @property
    def authority(self) -> str:
        """The host as it stands in a request (RFC 9110 §7.2)."""

    async def connect(self) -> Connection:
        """Return a new connection. Raises ``OSError``."""


@dataclass(frozen=True, slots=True)
class SocketAddress:
    """A Unix socket."""

    path: Path

    @property
    def authority(self) -> str:
        """A name of ours: a socket has none."""
        return "vllm"

    async def connect(self) -> Connection:
        """Connect to the socket."""
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_unix_connection(Connection, str(self.path))
        return connection


@dataclass(frozen=True, slots=True)
class HostAddress:
    """A host and port, over TLS unless *tls* is None, which is for loopback alone."""

    host: str
    port: int
    tls: ssl.SSLContext | None

    @property
    def authority(self) -> str:
        """``host:port``."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    async def connect(self) -> Connection:
        """Connect, and verify the certificate for the name of the host."""
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(Connection, self.host, self.port, ssl=self.tls)
        return connection


class PooledUpstream:
    """Satisfies :class:`gateway.core.ports.Upstream` for one vLLM."""

    def __init__(
        self,
        address: UpstreamAddress,
        api_key: ApiKey,
        *,
        connect_seconds: float = 2.0,
        limits: AnswerLimits | None = None,
    ) -> None:
        self._address = address
        self._api_key = api_key
        self._connect_seconds = connect_seconds
        self._limits = limits or AnswerLimits()
        self._idle: deque[Connection] = deque()
        self._closed = False

    async def send(self, request: UpstreamRequest) -> Answer:
        """Send *request*; return once the head of the answer is there.

        A connection that vLLM closed while it lay idle is replaced, here and once; a request whose
        answer had begun is never sent again. Raises ``NothingSent``, ``UpstreamTimedOut`` or
        ``UpstreamUnavailable``.
        """
        message = self._serialize(request)
        idle = self._take_idle()
        if idle is not None:
            try:
                return await self._exchange(idle, message)
            except StaleConnection:
                # They share their fate: vLLM was restarted, or closes what was idle for as long.
                self._drop_idle()
        try:
            return await self._exchange(await self._connect(), message)
        except NothingSent:
            if idle is None:
                raise
            raise UpstreamUnavailable from None  # the idle one may have carried it to vLLM
        except StaleConnection:
            raise UpstreamUnavailable from None

    async def is_healthy(self) -> bool:
        """Return whether ``GET /health`` answers 200."""
        try:
            answer = await self.send(_HEALTH)
        except UpstreamUnavailable:
            return False
        await answer.close()
        return answer.status == 200

    async def close(self) -> None:
        """Close all idle connections; those in use close when their answer ends."""
        self._closed = True
        self._drop_idle()

    def _take_idle(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.is_quiet():
                return connection
            connection.abort()
        return None

    def _drop_idle(self) -> None:
        while self._idle:
            self._idle.pop().abort()

    async def _exchange(self, connection: Connection, message: bytes) -> Answer:
        answer = Answer(connection, self._release, self._limits)
        connection.write(message)
        await answer.read_head()
        return answer

    async def _connect(self) -> Connection:
        try:
            async with asyncio.timeout(self._connect_seconds):
                return await self._address.connect()
        except (OSError, UnicodeError):  # too late, no TLS, no name that can be looked up
            raise NothingSent from None

    def _release(self, connection: Connection) -> None:
        if self._closed or len(self._idle) >= _MAX_IDLE_CONNECTIONS:
            connection.abort()
        else:
            self._idle.append(connection)

    def _serialize(self, request: UpstreamRequest) -> bytes:
        try:
            api_key = self._api_key()
        except UpstreamUnavailable:
            raise NothingSent from None
        lines = [
            f"{request.method} {request.path} HTTP/1.1",
            f"host: {self._address.authority}",
            f"authorization: Bearer {api_key.reveal()}",
            "accept-encoding: identity",
        ]
        if request.body:
            lines += ["content-type: application/json", f"content-length: {len(request.body)}"]
        return "\r\n".join(lines).encode("ascii") + b"\r\n\r\n" + request.body
