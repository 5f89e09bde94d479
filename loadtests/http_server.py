"""A small HTTP/1.1 server for the fake vLLM: parse, queue, answer one request after the other.

It speaks only what a gateway sends to its upstream. It is not meant to be reachable by anyone else.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import cast

import httptools

from loadtests.wire import LAST_CHUNK, transfer_chunk

_REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    500: "Internal Server Error",
}


@dataclass(eq=False)
class ReceivedRequest:
    """One request as it arrived, and what became of it."""

    method: str
    path: str
    headers: list[tuple[str, str]]
    body: bytes
    disconnected: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the client went away before the answer was complete."""
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the answer was written to its end."""

    def header(self, name: str) -> str | None:
        """Return the first header called *name*, which is compared without regard to case."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


class ClientGoneError(Exception):
    """The client closed the connection while it was being answered."""


Answerer = Callable[[ReceivedRequest, "Connection"], Awaitable[None]]


class Connection(asyncio.Protocol):
    """One connection of one client."""

    def __init__(self, answerer: Answerer, connections: "set[Connection]") -> None:
        self._answerer = answerer
        self._connections = connections
        self._parser = httptools.HttpRequestParser(self)
        self._queue: asyncio.Queue[ReceivedRequest] = asyncio.Queue()
        self._writable = asyncio.Event()
        self._target, self._headers, self._body = b"", list[tuple[str, str]](), bytearray()
        self.head_sent = False

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start to answer."""
        self._transport = cast("asyncio.Transport", transport)
        self._writable.set()
        self._connections.add(self)
        self._task = asyncio.get_running_loop().create_task(self._serve())
        self._task.add_done_callback(lambda _task: self._transport.abort())

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - how it was lost does not matter
        """Stop whatever answer is being written."""
        self._connections.discard(self)
        self._task.cancel()

    def data_received(self, data: bytes) -> None:
        """Parse, and hang up on what is not HTTP."""
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._transport.abort()

    def pause_writing(self) -> None:
        """Wait: the client reads slowly."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """Go on."""
        self._writable.set()

    # What the parser calls

    def on_url(self, url: bytes) -> None:
        """Keep the target."""
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header."""
        self._headers.append((name.decode("latin-1"), value.decode("latin-1")))

    def on_body(self, body: bytes) -> None:
        """Keep a part of the body."""
        self._body += body

    def on_message_complete(self) -> None:
        """Queue the request."""
        method = self._parser.get_method().decode()
        path = self._target.decode("latin-1")
        self._queue.put_nowait(ReceivedRequest(method, path, self._headers, bytes(self._body)))
        self._target, self._headers, self._body = b"", [], bytearray()

    # What an answer uses

    async def _serve(self) -> None:
        while True:
            request = await self._queue.get()
            self.head_sent = False
            try:
                await self._answerer(request, self)
            except asyncio.CancelledError:
                request.disconnected.set()
                raise
            request.answered.set()

    async def send(self, data: bytes) -> None:
        """Write *data*, waiting while the client reads slowly."""
        self._transport.write(data)
        if not self._writable.is_set():
            await self._writable.wait()

    def start_stream(self, headers: Sequence[tuple[str, str]] = ()) -> None:
        """Write the head of a stream as uvicorn does, once."""
        if self.head_sent:
            return
        self.head_sent = True
        fields = [
            ("content-type", "text/event-stream; charset=utf-8"),
            *headers,
            ("transfer-encoding", "chunked"),
        ]
        self._transport.write(_head(200, fields))

    async def send_chunk(self, data: bytes) -> None:
        """Write one chunk of a stream."""
        await self.send(transfer_chunk(data))

    def end_stream(self) -> None:
        """Write the end of a stream."""
        self._transport.write(LAST_CHUNK)

    def send_whole(self, status: int, body: bytes, headers: Sequence[tuple[str, str]] = ()) -> None:
        """Write a response that is not streamed."""
        self.head_sent = True
        fields = [
            ("content-length", str(len(body))),
            ("content-type", "application/json"),
            *headers,
        ]
        self._transport.write(_head(status, fields) + body)

    def cut(self) -> None:
        """Break the connection without ending the response."""
        self._transport.abort()

    def close(self) -> None:
        """Close the connection once everything written is sent."""
        self._transport.close()

    async def stop(self) -> None:
        """Break the connection and wait until nothing of it runs any more."""
        self._transport.abort()
        self._task.cancel()
        await asyncio.wait([self._task])


def _head(status: int, fields: Sequence[tuple[str, str]]) -> bytes:
    date = format_datetime(datetime.now(UTC), usegmt=True)
    lines = [
        f"HTTP/1.1 {status} {_REASONS.get(status, 'Error')}",
        f"date: {date}",
        "server: uvicorn",
    ]
    lines += [f"{name}: {value}" for name, value in fields]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
