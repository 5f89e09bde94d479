"""A way to PostgreSQL that loses the answer to a chosen commit: it is done, and nobody hears."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_COMMIT = b"COMMIT"


class LossyWay:
    """Connections from *port* on to a server."""

    def __init__(self) -> None:
        self.port = 0
        self.word = b""
        """The next transaction that says this commits, and then its connection breaks."""
        self.is_silent = False
        """Whether such a connection stays open instead, and nothing more comes."""
        self.losses = 0
        """How many answers to a commit were lost."""

    async def serve(
        self, client: tuple[asyncio.StreamReader, asyncio.StreamWriter], server_port: int
    ) -> None:
        """Pass on what both sides say until one of them is done."""
        server = await asyncio.open_connection("127.0.0.1", server_port)
        committing = asyncio.Event()
        copies = [
            asyncio.create_task(self._ask(client[0], server[1], committing)),
            asyncio.create_task(self._answer(server[0], client[1], committing)),
        ]
        try:
            await asyncio.wait(copies, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for copy in copies:
                copy.cancel()
            await asyncio.gather(*copies, return_exceptions=True)
            client[1].close()
            server[1].close()

    async def _ask(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, committing: asyncio.Event
    ) -> None:
        is_chosen = False
        while data := await reader.read(65_536):
            is_chosen = is_chosen or bool(self.word and self.word in data)
            if is_chosen and _COMMIT in data:
                committing.set()
                self.word = b""
            writer.write(data)
            await writer.drain()

    async def _answer(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, committing: asyncio.Event
    ) -> None:
        while data := await reader.read(65_536):
            if committing.is_set():
                self.losses += 1
                if not self.is_silent:
                    return
                continue
            writer.write(data)
            await writer.drain()


@asynccontextmanager
async def losing_commits(server_port: int) -> AsyncIterator[LossyWay]:
    """Give a way to the PostgreSQL at *server_port* of loopback."""
    way, tasks = LossyWay(), set[asyncio.Task[None]]()

    async def serve(*client: asyncio.StreamReader | asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await way.serve(client, server_port)
        except OSError:
            pass
        finally:
            tasks.discard(task)

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    way.port = listening.sockets[0].getsockname()[1]
    try:
        yield way
    finally:
        listening.close()
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await listening.wait_closed()
