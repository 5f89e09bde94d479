"""One request and its answer, between an ASGI application and the connection.

What is wrong with a body is raised by ``receive``, so the application answers it in its own shape
and records it. An application that breaks ASGI's order is a bug: the connection is cut.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from http import HTTPStatus
from typing import Any, Final, Protocol

from gateway.core.errors import ClientStalled, SealgateError

Message = MutableMapping[str, Any]
Application = Callable[..., Awaitable[None]]
Headers = Sequence[tuple[bytes, bytes]]

_STATUS_LINES: Final = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode("ascii")
    for status in HTTPStatus
}
_WITHOUT_BODY: Final = frozenset({204, 304})  # RFC 9110 §6.4.1
_LINES: Final = re.compile(rb"(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]++: [\t -~\x80-\xff]*+\r\n)*+")
_CLOSE: Final = (b"connection", b"close")
_CHUNKED: Final = (b"transfer-encoding", b"chunked")
_MAX_WAITING_BYTES: Final = 65_536
"""Of a body that the application has not asked for; more is left in the socket."""
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


class ExchangePeer(Protocol):
    """The connection, as an exchange sees it."""

    may_write: asyncio.Event
    """Set while the client takes what it is sent."""

    write: Callable[[bytes], None]
    """Sends to the client."""

    @property
    def default_headers(self) -> Headers:
        """What every answer begins with."""

    @property
    def write_seconds(self) -> float:
        """How long a client may take until more can be written to it."""

    def hold_reading(self, *, hold: bool) -> None:
        """Stop reading, or go on."""

    def end_exchange(self, *, keep_alive: bool) -> None:
        """Learn that the answer is written."""

    def abort(self) -> None:
        """Cut the connection."""


class HttpExchange:
    """A request on its way in and its answer on its way out; the connection feeds the former."""

    __slots__ = (
        "_arrived", "_body", "_fault", "_is_chunked", "_is_head", "_is_whole", "_length",
        "_peer", "_scope", "_waits_for_continue", "is_gone", "is_over", "is_started", "keep_alive",
        "waits_for_reader",
    )  # fmt: skip

    def __init__(
        self,
        peer: ExchangePeer,
        scope: Message,
        *,
        keep_alive: bool,
        waits_for_continue: bool,
    ) -> None:
        self._peer, self._scope = peer, scope
        self.keep_alive = keep_alive
        self._waits_for_continue = waits_for_continue
        self._arrived = asyncio.Event()
        self._body = bytearray()
        self._fault: SealgateError | None = None
        self._is_whole = self._is_head = self._is_chunked = False
        self._length: int | None = None  # what is still to come of an answer that said so
        self.is_started = self.is_over = self.is_gone = self.waits_for_reader = False

    def feed(self, piece: bytes) -> None:
        """Take a piece of the body."""
        if self.is_over:
            return
        self._body += piece
        if len(self._body) > _MAX_WAITING_BYTES:
            self._peer.hold_reading(hold=True)
        self._arrived.set()

    def finish(self) -> None:
        """Learn that the request is whole."""
        self._is_whole = True
        self._arrived.set()

    def fail(self, fault: SealgateError) -> None:
        """Tell the application by *fault* that the rest of the request will not come."""
        self._fault = fault
        self.keep_alive = False
        self._arrived.set()

    def leave(self) -> None:
        """Learn that the client is gone."""
        self.is_gone = True
        self._arrived.set()

    async def run(self, application: Application) -> None:
        """Let *application* answer. What it leaves unfinished cuts the connection."""
        try:
            await application(self._scope, self.receive, self.send)
        finally:
            if not (self.is_over or self.is_gone):
                self._peer.abort()

    async def receive(self) -> Message:
        """Return ASGI's next message. Raises what is wrong with the body."""
        if self._waits_for_continue and not self.is_started:
            self._peer.write(_CONTINUE)
            self._waits_for_continue = False
        if not (self.is_gone or self.is_over):
            self._peer.hold_reading(hold=False)
            await self._arrived.wait()
            self._arrived.clear()
        if self.is_gone or self.is_over:
            return {"type": "http.disconnect"}
        if self._fault is not None:
            fault, self._fault = self._fault, None
            raise fault
        body, self._body = bytes(self._body), bytearray()
        return {"type": "http.request", "body": body, "more_body": not self._is_whole}

    async def send(self, message: Message) -> None:
        """Write an ASGI message; wait while the client does not read. Nothing once it is gone.

        Raises ``ClientStalled`` if it waits too long.
        """
        if not self._peer.may_write.is_set():
            await self._wait_for_reader()
        if self.is_gone:
            return
        kind = message["type"]
        if kind == "http.response.body" and self.is_started and not self.is_over:
            self._write(message.get("body", b""), is_last=not message.get("more_body", False))
        elif kind == "http.response.start" and not self.is_started:
            self._start(message["status"], message.get("headers", ()))
        else:
            raise RuntimeError("ASGI messages in the wrong order")

    async def _wait_for_reader(self) -> None:
        # Only who waits pays for a timer: a stream sends a piece for every token.
        self.waits_for_reader = True
        try:
            async with asyncio.timeout(self._peer.write_seconds):
                await self._peer.may_write.wait()
        except TimeoutError:
            raise ClientStalled from None
        finally:
            self.waits_for_reader = False

    def _start(self, status: int, headers: Headers) -> None:
        self.is_started = True
        self._is_head = self._scope["method"] == "HEAD" or status in _WITHOUT_BODY
        self._is_chunked = not self._is_head and self._scope["http_version"] == "1.1"
        every = [*self._peer.default_headers]
        for name, value in headers:
            every.append((known := name.lower(), value))
            if known == b"content-length":
                self._length, self._is_chunked = int(value), False
        if _CLOSE in every or not self._is_whole:  # the rest of the request would be in the way
            self.keep_alive = False
        if self._is_chunked:
            every.append(_CHUNKED)
        self._peer.write(response_head(status, every, keep_alive=self.keep_alive))

    def _write(self, body: bytes, *, is_last: bool) -> None:
        if self._is_head:
            pass
        elif self._is_chunked:
            chunk = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            if is_last:
                chunk += b"0\r\n\r\n"
            if chunk:
                self._peer.write(chunk)
        else:
            self._count(len(body), is_last=is_last)
            self._peer.write(body)
        if is_last:
            self.is_over = True
            self._arrived.set()
            self._peer.end_exchange(keep_alive=self.keep_alive)

    def _count(self, size: int, *, is_last: bool) -> None:
        if self._length is None:  # HTTP/1.0, where the end of the connection is the end
            return
        self._length -= size
        if self._length < 0 or (is_last and self._length):
            raise RuntimeError("an answer of another length than it said")


def response_head(status: int, headers: Headers, *, keep_alive: bool) -> bytes:
    """Return a head with *headers*, and with ``Connection: close`` unless *keep_alive*.

    Raises ``ValueError`` for a header that is none.
    """
    lines = [b"%b: %b\r\n" % header for header in headers if header[0] != b"connection"]
    block = b"".join(lines)
    if not _LINES.fullmatch(block) or block.count(b"\n") != len(lines):
        raise ValueError("a header that is none")
    end = b"\r\n" if keep_alive else b"connection: close\r\n\r\n"
    return _STATUS_LINES[status] + block + end
