"""Accepts the connections of a listener, with a limit on their number and on the time to arrive.

A connection arrives by its TLS handshake. Behind proxies that pass TLS on, it begins with a PROXY
header, and others than these proxies are closed before a byte of theirs is read; the header is read
from the bare socket and no further than it goes, so the client's first bytes are still in the
kernel when TLS takes over.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address

from gateway.core.connection_places import ConnectionPlaces, Place
from gateway.core.errors import MalformedRequest
from gateway.core.identity import Address, unmapped
from gateway.core.proxy_protocol import ProxyHeader, ProxyHeaderParser

_HEADER_SECONDS = 5.0
_PAUSE_SECONDS = 0.5  # after a connection that could not be accepted, as when files have run out

Endpoint = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Entrance:
    """Who may connect, and what becomes of a connection that arrives.

    *new_protocol* gets the client's address and port and the place of the connection, which it must
    leave when that is lost, and speaks with the client once the TLS handshake is done; that may
    take *handshake_seconds*. With *trust*, those it is true for alone may connect, and begin with a
    PROXY header.
    """

    tls: ssl.SSLContext
    places: ConnectionPlaces
    new_protocol: Callable[[Endpoint, Place], asyncio.Protocol]
    trust: Callable[[Address], bool] | None = None
    header_seconds: float = _HEADER_SECONDS
    handshake_seconds: float = 5.0


class AcceptedConnections:
    """Serves a listening socket from now on; in uvicorn it has the place of an ``asyncio.Server``.

    It listens on a duplicate of *listening*, which its owner may close at any time.
    """

    def __init__(self, listening: socket.socket, entrance: Entrance) -> None:
        self._entrance = entrance
        self._listening = listening.dup()
        self._listening.setblocking(False)  # noqa: FBT003  # the parameter has no name
        self._arriving: set[asyncio.Task[None]] = set()
        self._accepting = asyncio.ensure_future(self._accept())

    def accept_no_more(self) -> None:
        """Leave the next connections to others; those that are arriving may go on."""
        self._accepting.cancel()

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
        place = self._find_place(unmapped(ip_address(peer[0])))
        if place is None:
            connection.close()
            return
        task = asyncio.ensure_future(self._arrive(connection, peer, place))
        self._arriving.add(task)
        task.add_done_callback(self._arriving.discard)

    def _find_place(self, address: Address) -> Place | None:
        """Return a place, of *address* unless a PROXY header has yet to say whose it is."""
        trust = self._entrance.trust
        if trust is not None and not trust(address):
            return None
        place = self._entrance.places.find_place()
        if place is not None and trust is None and not place.claim(address):
            place.leave()
            return None
        return place

    async def _arrive(self, connection: socket.socket, peer: Endpoint, place: Place) -> None:
        entrance = self._entrance
        with contextlib.ExitStack() as giving_up:
            giving_up.callback(place.leave)
            giving_up.enter_context(contextlib.suppress(OSError, MalformedRequest))
            closing = giving_up.enter_context(contextlib.ExitStack())
            closing.callback(connection.close)
            connection.setblocking(False)  # noqa: FBT003
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client = peer[0], peer[1]
            if entrance.trust is not None:
                async with asyncio.timeout(entrance.header_seconds):
                    client = _client(await _read_header(connection), peer)
                if not place.claim(unmapped(ip_address(client[0]))):
                    return
            closing.pop_all()  # from here on the transport closes it
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: entrance.new_protocol(client, place),
                connection,
                ssl=entrance.tls,
                ssl_handshake_timeout=entrance.handshake_seconds,
            )
            giving_up.pop_all()  # from here on the protocol leaves the place


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
