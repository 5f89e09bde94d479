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
import signal
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from ipaddress import IPv4Address, IPv6Address
from typing import Any, cast

import uvicorn

from gateway.backends.accepted_connections import AcceptedConnections, Entrance
from gateway.backends.http_connection import HttpConnection, Refuse, Service
from gateway.core.connection_pace import PaceLimits
from gateway.core.connection_places import ConnectionPlaces
from gateway.core.forwarded import TrustedProxies
from gateway.core.identity import Network
from gateway.core.ports import Clock

_BACKLOG = 2048
_GRACE_SECONDS = 30  # how long running answers may go on after a stop was asked for


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


class _Server(uvicorn.Server):
    """A uvicorn server that leaves the signals to :func:`serve`, which runs several of them."""

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

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End as uvicorn does; until then nobody may take longer than before."""
        await super().shutdown(sockets)
        self._watch.cancel()
        await asyncio.wait({self._watch})

    async def _look_at_connections(self) -> None:
        loop, pause = asyncio.get_running_loop(), self._listener.pace.look_seconds
        while True:
            await asyncio.sleep(pause)
            now = loop.time()
            for connection in list(self._service.connections):
                connection.look(now)


async def serve(listeners: Sequence[Listener], *, on_ready: Callable[[], None]) -> None:
    """Serve until SIGTERM or SIGINT; then finish running answers for up to 30 seconds.

    *on_ready* is called once when every listener accepts connections. Raises ``OSError`` when an
    address cannot be bound; none is left open then.
    """
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(_bind(listener)) for listener in listeners]
        servers = [_Server(listener) for listener in listeners]
        _stop_on_signal(servers)
        running = [
            asyncio.ensure_future(server.serve(sockets=[sock]))
            for server, sock in zip(servers, sockets, strict=True)
        ]
        await _wait_until_started(servers, running)
        on_ready()
        await asyncio.gather(*running)


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
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )


def _bind(listener: Listener) -> socket.socket:
    family = socket.AF_INET6 if isinstance(listener.host, IPv6Address) else socket.AF_INET
    address = (str(listener.host), listener.port)
    return socket.create_server(address, family=family, backlog=_BACKLOG)


def _stop_on_signal(servers: Sequence[uvicorn.Server]) -> None:
    def stop() -> None:
        for server in servers:
            server.should_exit = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)


async def _wait_until_started(
    servers: Sequence[uvicorn.Server], running: Sequence[asyncio.Future[None]]
) -> None:
    while not all(server.started for server in servers):
        if any(future.done() for future in running):
            return
        await asyncio.sleep(0.01)
