"""vLLM over its Unix socket: pooled keep-alive connections and answers read as they arrive.

Written on asyncio protocols and httptools because general HTTP clients cost more CPU for each token
than all other stages together (ADR-0006). Only what the gateway itself sends and vLLM answers is
supported: one request at a time, no redirects, no compression, no cookies.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import httptools

from gateway.core.errors import UpstreamUnavailable
from gateway.core.ports import UpstreamRequest
from gateway.core.secret import Secret

ApiKey = Callable[[], Secret[str]]
"""Gives the key that vLLM wants to see. Raises ``UpstreamUnavailable`` while there is none."""

_MAX_UNREAD_BYTES = 262_144
_MAX_HEAD_BYTES = 65_536
_MAX_IDLE_CONNECTIONS = 64
_FIRST_FINAL_STATUS = 200  # we ask for no interim answers and take none


@dataclass(frozen=True, slots=True)
class UpstreamTimeouts:
    """How long vLLM may take, in seconds.

    *head* is long because an answer that is not streamed begins when it is complete.
    """

    connect: float = 2.0
    head: float = 300.0
    idle: float = 60.0


class ApiKeyFile:
    """vLLM's key out of a file, which is read anew each time.

    vLLM gets a new key at each start, also after a crash.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self) -> Secret[str]:
        """Return the key as it is now. Raises ``UpstreamUnavailable`` when it cannot be read."""
        try:
            return Secret(self._path.read_text("ascii").strip())
        except (OSError, UnicodeDecodeError):
            raise UpstreamUnavailable from None


class UnixSocketUpstream:
    """Satisfies :class:`gateway.core.ports.Upstream` for a vLLM on a Unix socket."""

    def __init__(
        self, socket_path: Path, api_key: ApiKey, *, timeouts: UpstreamTimeouts | None = None
    ) -> None:
        self._socket_path = socket_path
        self._api_key = api_key
        self._timeouts = timeouts or UpstreamTimeouts()
        self._idle: deque[_Connection] = deque()
        self._closed = False

    async def send(self, request: UpstreamRequest) -> _Answer:
        """Send *request*; return once the head of the answer is there.

        A connection that vLLM closed while it lay idle is replaced once; a request whose answer had
        begun is never sent again. Raises ``UpstreamUnavailable``.
        """
        message = self._serialize(request)
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_quiet():
                connection.abort()
                continue
            try:
                return await self._exchange(connection, message)
            except _StaleConnection:
                continue
        try:
            return await self._exchange(await self._connect(), message)
        except _StaleConnection:
            raise UpstreamUnavailable from None

    async def is_healthy(self) -> bool:
        """Return whether ``GET /health`` answers 200."""
        try:
            answer = await self.send(UpstreamRequest("GET", "/health"))
        except UpstreamUnavailable:
            return False
        await answer.close()
        return answer.status == 200

    async def close(self) -> None:
        """Close all idle connections; those in use close when their answer ends."""
        self._closed = True
        while self._idle:
            self._idle.pop().abort()

    async def _exchange(self, connection: _Connection, message: bytes) -> _Answer:
        answer = _Answer(connection, self._release, idle_seconds=self._timeouts.idle)
        try:
            async with asyncio.timeout(self._timeouts.head):
                connection.write(message)
                await answer.read_head()
        except TimeoutError:
            connection.abort()
            raise UpstreamUnavailable from None
        except BaseException:
            connection.abort()
            raise
        return answer

    async def _connect(self) -> _Connection:
        try:
            async with asyncio.timeout(self._timeouts.connect):
                loop = asyncio.get_running_loop()
                path = str(self._socket_path)
                _, connection = await loop.create_unix_connection(_Connection, path)
        except OSError:  # TimeoutError is one
            raise UpstreamUnavailable from None
        return connection

    def _release(self, connection: _Connection) -> None:
        if self._closed or len(self._idle) >= _MAX_IDLE_CONNECTIONS:
            connection.abort()
        else:
            self._idle.append(connection)

    def _serialize(self, request: UpstreamRequest) -> bytes:
        lines = [
            f"{request.method} {request.path} HTTP/1.1",
            "host: vllm",
            f"authorization: Bearer {self._api_key().reveal()}",
            "accept-encoding: identity",
        ]
        if request.body:
            lines += ["content-type: application/json", f"content-length: {len(request.body)}"]
        return "\r\n".join(lines).encode("ascii") + b"\r\n\r\n" + request.body


class _StaleConnection(Exception):
    """The connection ended before a single byte of the answer."""


class _Connection(asyncio.Protocol):
    """One socket to vLLM: what has arrived, in order, with a bound on how much may lie unread."""

    def __init__(self) -> None:
        self._arrived: list[bytes] = []
        self._unread_bytes = 0
        self._ended = False
        self._reader: asyncio.Future[None] | None = None
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Keep *data* for the reader; stop reading while too much lies unread."""
        self._arrived.append(data)
        self._unread_bytes += len(data)
        if self._unread_bytes > _MAX_UNREAD_BYTES:
            self._transport.pause_reading()
        self._wake()

    def connection_lost(self, _error: Exception | None) -> None:
        """Let the reader see the end."""
        self._ended = True
        self._wake()

    def write(self, data: bytes) -> None:
        """Send a request. It is bounded by the body limit, so nothing waits for the socket."""
        self._transport.write(data)

    async def read(self) -> bytes:
        """Return all that has arrived, at least a byte; ``b""`` at the end of the connection."""
        if not self._arrived and not self._ended:
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
        data = b"".join(self._arrived)
        self._arrived.clear()
        self._unread_bytes = 0
        if not self._ended:
            self._transport.resume_reading()
        return data

    def is_quiet(self) -> bool:
        """Return whether the connection is open with nothing unread: such bytes are nobody's."""
        return not self._arrived and not self._ended

    def abort(self) -> None:
        """Cut the connection at once."""
        self._transport.abort()

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)


class _Answer:
    """An answer being read; the methods below the line are httptools callbacks."""

    def __init__(
        self,
        connection: _Connection,
        release: Callable[[_Connection], None],
        *,
        idle_seconds: float,
    ) -> None:
        self.status = 0
        self.content_type = ""
        self._connection = connection
        self._release = release
        self._idle_seconds = idle_seconds
        self._parser = httptools.HttpResponseParser(self)
        self._pending: list[bytes] = []
        self._head_read = False
        self._complete = False
        self._reusable = False
        self._faulty = False

    async def read_head(self) -> None:
        received = 0
        while not self._head_read:
            data = await self._connection.read()
            if not data and not received:
                raise _StaleConnection
            if not data:
                raise UpstreamUnavailable
            self._parse(data)
            received += len(data)
            if received > _MAX_HEAD_BYTES and not self._head_read:
                raise UpstreamUnavailable

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body, one item for each read. Raises ``UpstreamUnavailable`` when cut off."""
        while True:
            if self._pending:
                data = self._pending[0] if len(self._pending) == 1 else b"".join(self._pending)
                self._pending.clear()
                yield data
            if self._complete:
                return
            await self._read_more()

    async def close(self) -> None:
        """Give the connection back, or cut it: that is what makes vLLM stop generating."""
        if self._reusable and self._connection.is_quiet():
            self._release(self._connection)
        else:
            self._connection.abort()

    async def _read_more(self) -> None:
        try:
            async with asyncio.timeout(self._idle_seconds):
                data = await self._connection.read()
        except TimeoutError:
            raise UpstreamUnavailable from None
        if not data:
            raise UpstreamUnavailable
        self._parse(data)

    def _parse(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._faulty = True
        if self._faulty:
            self._reusable = False
            raise UpstreamUnavailable

    # ------------------------------------------------------------------ httptools callbacks

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"content-type":
            self.content_type = value.split(b";")[0].strip().lower().decode("latin-1")

    def on_message_begin(self) -> None:
        if self._complete:  # two answers to one request: whose is the second?
            self._faulty = True

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()
        if self.status < _FIRST_FINAL_STATUS:
            self._faulty = True
        self._head_read = True

    def on_body(self, body: bytes) -> None:
        self._pending.append(body)

    def on_message_complete(self) -> None:
        self._complete = True
        # Only now does the parser know; after this callback it has forgotten.
        self._reusable = bool(self._parser.should_keep_alive())
