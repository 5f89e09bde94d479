"""A transport that answers as a test says, and a server on a free port in front of it."""

import asyncio
from collections.abc import AsyncIterator, Callable

import httpx2
import pytest

from gateway.client.connect.connection import Limits
from gateway.client.connect.options import Listen
from gateway.client.connect.relay import Relay
from gateway.client.connect.server import ConnectServer


class Pieces(httpx2.AsyncByteStream):
    """A body; an exception among the pieces is raised, an event waited for, None never ends."""

    def __init__(self, *pieces) -> None:
        self.pieces = pieces
        self.is_closed = asyncio.Event()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            if isinstance(piece, Exception):
                raise piece
            if isinstance(piece, asyncio.Event):
                await piece.wait()
            elif piece is None:
                await asyncio.Event().wait()
            else:
                yield piece

    async def aclose(self) -> None:
        self.is_closed.set()


class FakeTransport(httpx2.AsyncBaseTransport):
    """In place of the sealed transport."""

    def __init__(self) -> None:
        self.requests: list[httpx2.Request] = []
        self.respond: Callable[[], httpx2.Response] = lambda: httpx2.Response(200, content=b"ok")
        self.is_closed = False

    def says(self, *pieces, status: int = 200, headers=()) -> Pieces:
        """Answer with these pieces from now on."""
        body = Pieces(*pieces)
        self.respond = lambda: httpx2.Response(status, headers=list(headers), stream=body)
        return body

    def fails(self, error: Exception) -> None:
        """Raise from now on."""

        def respond() -> httpx2.Response:
            raise error

        self.respond = respond

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        return self.respond()

    async def aclose(self) -> None:
        self.is_closed = True


class Peer:
    """A local application that writes and reads bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def send(self, data: bytes) -> None:
        """Write *data*."""
        self.writer.write(data)

    async def until(self, mark: bytes) -> bytes:
        """Return everything up to *mark*."""
        return await asyncio.wait_for(self.reader.readuntil(mark), 30)

    async def rest(self) -> bytes:
        """Return everything up to the end of the connection."""
        return await asyncio.wait_for(self.reader.read(), 30)

    def close(self) -> None:
        """Leave."""
        self.writer.close()


@pytest.fixture
def transport() -> FakeTransport:
    """Return a transport that answers ok."""
    return FakeTransport()


@pytest.fixture
def limits() -> Limits:
    """Return the limits; tests parametrize them."""
    return Limits(1000)


@pytest.fixture
async def server(transport, limits):
    """Return a server on a free port."""
    relay = Relay("https://gateway.example:8443", transport)
    made = ConnectServer(Listen("127.0.0.1", 0), relay=relay, limits=limits)
    await made.start()
    yield made
    await made.stop(grace_seconds=0.01)


@pytest.fixture
async def connect(server):
    """Return a function that opens a connection to the server."""
    peers: list[Peer] = []

    async def open_connection() -> Peer:
        address = server.address
        peers.append(Peer(*await asyncio.open_connection(address.host, address.port)))
        return peers[-1]

    yield open_connection
    for peer in peers:
        peer.close()
