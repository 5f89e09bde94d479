"""A connection to a model server without a socket: what it is told arrives."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.backends.upstream_answer import Answer, AnswerLimits
from gateway.backends.upstream_connection import Connection


class FakeTransport:
    """What a :class:`Connection` needs of a transport; keeps what was done to it."""

    def __init__(self) -> None:
        self.written = b""
        self.is_reading = True
        self.aborted = False

    def write(self, data: bytes) -> None:
        """Keep what was sent."""
        self.written += data

    def pause_reading(self) -> None:
        """Stop reading."""
        self.is_reading = False

    def resume_reading(self) -> None:
        """Read again."""
        self.is_reading = True

    def abort(self) -> None:
        """Remember it."""
        self.aborted = True


def connect() -> tuple[Connection, FakeTransport]:
    """Return an open connection and its transport."""
    connection, transport = Connection(), FakeTransport()
    connection.connection_made(transport)  # type: ignore[arg-type]
    return connection, transport


class Exchange:
    """One answer that is made of *pieces*, after which the server closes unless it *stays*."""

    def __init__(
        self, pieces: Sequence[bytes], limits: AnswerLimits | None = None, *, stays: bool = False
    ) -> None:
        self.connection, self.transport = connect()
        self.released: list[Connection] = []
        self.answer = Answer(self.connection, self.released.append, limits or AnswerLimits())
        for piece in pieces:
            self.connection.data_received(piece)
        if not stays:
            self.connection.connection_lost(None)

    async def read(self) -> bytes:
        """Return the body; the answer is closed, however that ends."""
        try:
            await self.answer.read_head()
            return b"".join([data async for data in self.answer.chunks()])
        finally:
            await self.answer.close()
