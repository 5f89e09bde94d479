"""HTTPS listeners: one process, one event loop, several listeners.

uvicorn starts, ends and dates them; connections, from their arrival on, are ours (ADR 0028), and so
is what becomes of a request that no application may see.

uvicorn's own logging is off: its lines hold paths and addresses. Nobody believes forwarded headers
here, and answers do not name the server.

A client certificate that TLS verified is in ``scope["extensions"]["tls"]["client_cert_der"]``.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from ipaddress import IPv4Address, IPv6Address
from typing import Any, Final, cast

import uvicorn

from gateway.backends.accepted_connections import AcceptedConnections, Entrance
from gateway.backends.http_connection import HttpConnection, Refuse, Service
from gateway.core.connection_pace import PaceLimits
from gateway.core.connection_places import ConnectionPlaces
from gateway.core.forwarded import TrustedProxies
from gateway.core.identity import Network
from gateway.core.ports import Clock

_CLOSE: Final = (b"connection", b"close")
_LOOKS_AT_A_TIME = 200  # half a millisecond


@dataclass(frozen=True, slots=True)
class Listener:
    """An ASGI application, and where it listens with which TLS context.

    *refuse* answers and records what reaches no application. *clock* is asked whether a client
    certificate is still good. There is room for *max_connections*, and for *max_per_address* of one
    address but those in *gathering*, through which many come. With *proxies*, these networks alone
    may connect, and each connection begins with a PROXY header that names its client.
    """

    host: IPv4Address | IPv6Address
    port: int
    tls: ssl.SSLContext
    app: Any
    refuse: Refuse
    clock: Clock
    max_connections: int = 2_000
    max_per_address: int = 500
    gathering: tuple[Network, ...] = ()
    proxies: tuple[Network, ...] = ()
    handshake_seconds: float = 5.0
    pace: PaceLimits = field(default_factory=PaceLimits)


class Server(uvicorn.Server):
    """Serves a listener from a bound socket until ``should_exit`` is set.

    It leaves signals, and the time that running answers have then, to its caller.
    """

    def __init__(self, listener: Listener) -> None:
        super().__init__(_config(listener))
        self._listener = listener
        self._service = Service(
            app=listener.app,
            refuse=listener.refuse,
            clock=listener.clock,
            pace=listener.pace,
            state=self.server_state,
        )

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture nothing."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept connections; uvicorn's own way would not count them before TLS."""
        await self.lifespan.startup()
        listener = self._listener
        entrance = Entrance(
            tls=listener.tls,
            places=ConnectionPlaces(
                listener.max_connections,
                listener.max_per_address,
                exempt=TrustedProxies(listener.gathering).trust,
            ),
            new_protocol=partial(HttpConnection, self._service),
            trust=TrustedProxies(listener.proxies).trust if listener.proxies else None,
            handshake_seconds=listener.handshake_seconds,
        )
        # uvicorn asks no more of its servers than to close and to say when they are closed.
        self.servers = [
            cast("asyncio.Server", AcceptedConnections(each, entrance)) for each in sockets or ()
        ]
        self._watch = asyncio.ensure_future(self._look_at_connections())
        self.started = True

    def accept_no_more(self) -> None:
        """Leave the next connections to whoever shares the socket, and close after each answer."""
        for each in self.servers:
            cast("AcceptedConnections", each).accept_no_more()
        # uvicorn makes the headers of every answer of these once a second.
        self.config.encoded_headers.append(_CLOSE)
        self.server_state.default_headers = [*self.server_state.default_headers, _CLOSE]

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End as uvicorn does; until then nobody may take longer than before."""
        await super().shutdown(sockets)
        self._watch.cancel()
        await asyncio.wait({self._watch})

    async def _look_at_connections(self) -> None:
        """Look at each connection now and then, at few at a time: others are to be served."""
        loop, all_of_them = asyncio.get_running_loop(), self._service.connections
        while True:
            now_open = list(all_of_them)
            starts = range(0, max(1, len(now_open)), _LOOKS_AT_A_TIME)
            for start in starts:
                await asyncio.sleep(self._listener.pace.look_seconds / len(starts))
                now = loop.time()
                for connection in now_open[start : start + _LOOKS_AT_A_TIME]:
                    if connection in all_of_them:
                        _look(connection, now)


def _look(connection: HttpConnection, now: float) -> None:
    """Look at *connection*; a bug there costs that one alone, and ends the time of no other."""
    try:
        connection.look(now)
    except Exception as fault:  # noqa: BLE001  # the border of what no task awaits
        what = {"message": "a connection cannot be looked at", "exception": fault}
        asyncio.get_running_loop().call_exception_handler(what)
        connection.abort()


def _config(listener: Listener) -> uvicorn.Config:
    return uvicorn.Config(
        listener.app,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        proxy_headers=False,
        server_header=False,
    )
