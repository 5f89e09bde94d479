"""The listening socket, its connections and their orderly end."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
from pathlib import Path
from typing import Final

from gateway.client.connect.connection import Limits, LocalConnection
from gateway.client.connect.options import Listen, WrongUse
from gateway.client.connect.relay import Relay

_MAX_CONNECTIONS: Final = 256
_BACKLOG: Final = 128
_OWNER_ONLY: Final = 0o177


class ConnectServer:
    """Accepts local connections until it is stopped."""

    def __init__(self, listen: Listen, *, relay: Relay, limits: Limits) -> None:
        self._listen = listen
        self._relay = relay
        self._limits = limits
        self._connections: dict[asyncio.Task[None], LocalConnection] = {}
        self._server: asyncio.Server | None = None

    @property
    def address(self) -> Listen:
        """Where it listens: with the port that was free if 0 was asked for."""
        return self._listen

    async def start(self) -> None:
        """Listen. Raises ``OSError`` or ``WrongUse`` when that is not possible."""
        path = self._listen.path
        if path is not None:
            sock = _bind_unix(path)
            self._server = await asyncio.start_unix_server(self._accept, sock=sock)
            return
        self._server = await asyncio.start_server(
            self._accept, self._listen.host, self._listen.port, backlog=_BACKLOG
        )
        self._listen = Listen(self._listen.host, self._server.sockets[0].getsockname()[1])

    async def stop(self, *, grace_seconds: float) -> None:
        """Accept nothing more, give answers under way *grace_seconds*, then break them off."""
        if self._server is not None:
            self._server.close()
        for task, connection in self._connections.items():
            connection.stop()
            if connection.is_idle:
                task.cancel()
        if self._connections:
            await asyncio.wait(set(self._connections), timeout=grace_seconds)
        rest = list(self._connections)
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)
        await self._relay.close()
        if self._listen.path is not None:
            self._listen.path.unlink(missing_ok=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or len(self._connections) >= _MAX_CONNECTIONS:
            writer.transport.abort()
            return
        is_tcp = self._listen.path is None
        connection = LocalConnection(
            reader, writer, relay=self._relay, limits=self._limits, is_tcp=is_tcp
        )
        self._connections[task] = connection
        try:
            await connection.serve()
        except asyncio.CancelledError:
            # Ours, from stop(): the connection is gone and nobody waits for its end.
            return
        finally:
            del self._connections[task]


def _bind_unix(path: Path) -> socket.socket:
    if path.is_symlink() or path.exists():
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise WrongUse(f"{path} exists and is no socket")
        if _is_listened_on(path):
            raise WrongUse(f"{path} is in use by another process")
        path.unlink()
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    # Narrow from the first moment: chmod afterwards would leave a gap.
    before = os.umask(_OWNER_ONLY)
    try:
        sock.bind(str(path))
    except OSError:
        sock.close()
        raise
    finally:
        os.umask(before)
    return sock


def _is_listened_on(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True
