"""Accepts connections that begin with a PROXY header, before TLS, from trusted proxies alone.

Others are closed before a byte of theirs is read. The header is read from the bare socket and no
further than it goes, so the client's first bytes are still in the kernel when TLS takes over.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address

from gateway.core.errors import MalformedRequest
from gateway.core.identity import Address, unmapped
from gateway.core.proxy_protocol import ProxyHeader, ProxyHeaderParser

_HEADER_SECONDS = 5.0
_PAUSE_SECONDS = 0.5  # after a connection that could not be accepted, as when files have run out

Endpoint = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Entrance:
    """Who may connect, and what becomes of a connection whose header is read.

    *has_room* is asked with the number of connections that have not arrived yet; one that arrives
    at this moment may be counted twice. *new_protocol*
    gets the client's address and port and speaks with the client once the TLS handshake is done.
    """

    tls: ssl.SSLContext
    trust: Callable[[Address], bool]
    has_room: Callable[[int], bool]
    new_protocol: Callable[[Endpoint], asyncio.Protocol]
    header_seconds: float = _HEADER_SECONDS


class ProxiedConnections:
    """Serves a listening socket from now on; in uvicorn it has the place of an ``asyncio.Server``.

    It listens on a duplicate of *listening*, which its owner may close at any time.
    """

    def __init__(self, listening: socket.socket, entrance: Entrance) -> None:
        self._entrance = entrance
        self._listening = listening.dup()
        self._listening.setblocking(False)  # noqa: FBT003  # the parameter has no name
        self._arriving: set[asyncio.Task[None]] = set()
        self._accepting = asyncio.ensure_future(self._accept())

    def close(self) -> None:
        """Accept no more, and give up what has not arrived yet."""
        for task in (self._accepting, *self._arriving):
            task.cancel()

    async def wait_closed(self) -> None:
        """Return when all that was given up has ended."""
        await asyncio.wait({self._accepting, *self._arriving})

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        with self._listening:
            while True:
                try:
                    connection, peer = await loop.sock_accept(self._listening)
                except OSError:
                    await asyncio.sleep(_PAUSE_SECONDS)
                    continue
                self._let_in(connection, peer)

    def _let_in(self, connection: socket.socket, peer: Endpoint) -> None:
        entrance = self._entrance
        trusted = entrance.trust(unmapped(ip_address(peer[0])))
        if not trusted or not entrance.has_room(len(self._arriving)):
            connection.close()
            return
        task = asyncio.ensure_future(self._arrive(connection, peer))
        self._arriving.add(task)
        task.add_done_callback(self._arriving.discard)

    async def _arrive(self, connection: socket.socket, peer: Endpoint) -> None:
        with contextlib.suppress(OSError, MalformedRequest), contextlib.ExitStack() as stack:
            stack.callback(connection.close)
            connection.setblocking(False)  # noqa: FBT003
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            async with asyncio.timeout(self._entrance.header_seconds):
                header = await _read_header(connection)
            stack.pop_all()  # from here on the transport closes it
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: self._entrance.new_protocol(_client(header, peer)),
                connection,
                ssl=self._entrance.tls,
            )


async def _read_header(connection: socket.socket) -> ProxyHeader:
    loop, parser = asyncio.get_running_loop(), ProxyHeaderParser()
    header: ProxyHeader | None = None
    while header is None:
        data = await loop.sock_recv(connection, parser.wanted_bytes)
        if not data:
            raise ConnectionResetError
        header = parser.feed(data)
    return header


def _client(header: ProxyHeader, peer: Endpoint) -> Endpoint:
    if header.source is None:  # the proxy's own connection, as for a health check
        return peer[0], peer[1]
    address, port = header.source
    return str(address), port
