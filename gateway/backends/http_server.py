"""HTTPS listeners on uvicorn: one process, one event loop, several listeners.

uvicorn's own logging is off: its lines hold paths and addresses. It does not believe forwarded
headers and does not name itself.

A client certificate that TLS verified is in ``scope["extensions"]["tls"]["client_cert_der"]``.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from ipaddress import IPv4Address, IPv6Address
from typing import Any, NamedTuple, cast

import uvicorn
from cryptography import x509
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from gateway.backends.proxied_connections import Endpoint, Entrance, ProxiedConnections
from gateway.core.forwarded import TrustedProxies
from gateway.core.identity import Network
from gateway.core.ports import Clock

_BACKLOG = 2048
_GRACE_SECONDS = 30  # how long running answers may go on after a stop was asked for
_IDLE_SECONDS = 30


class _ClientCertificate(NamedTuple):
    der: bytes
    ends_at: datetime


class OneAtATime(HttpToolsProtocol):
    """HTTP/1.1 without pipelining: a request before the answer to the last ends the connection.

    No client in use pipelines. Whoever does would make uvicorn stop reading, and so keep the
    gateway from noticing that the client has left: vLLM would go on for nobody.
    """

    def __init__(self, *, clock: Clock, client: Endpoint | None = None, **of_uvicorn: Any) -> None:
        super().__init__(**of_uvicorn)
        self._clock = clock
        self._named_client = client
        self._client_certificate: _ClientCertificate | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take over a connection whose TLS handshake is done."""
        super().connection_made(transport)
        self.client = self._named_client or self.client
        self._client_certificate = _find_verified_certificate(transport)

    def on_message_begin(self) -> None:
        """Begin a request, unless the one before is still being answered."""
        super().on_message_begin()
        certificate = self._client_certificate
        # A connection, or a TLS session that is resumed, may outlive what was verified.
        if certificate is not None and self._clock() < certificate.ends_at:
            self.scope["extensions"] = {"tls": {"client_cert_der": certificate.der}}
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and not cycle.response_complete:
            self.transport.abort()

    def on_headers_complete(self) -> None:
        """Start the application, unless the connection was given up."""
        if not self.transport.is_closing():
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Tell the application that its body is whole, unless the connection was given up."""
        if not self.transport.is_closing():
            super().on_message_complete()


@dataclass(frozen=True, slots=True)
class Listener:
    """An ASGI application, and where it listens with which TLS context.

    *clock* is asked whether a client certificate is still good. With *proxies*, these networks
    alone may connect, and each connection begins with a PROXY header that names its client.
    """

    host: IPv4Address | IPv6Address
    port: int
    tls: ssl.SSLContext
    app: Any
    clock: Clock
    max_connections: int = 2_000
    proxies: tuple[Network, ...] = ()


class _Server(uvicorn.Server):
    """A uvicorn server that leaves the signals to :func:`serve`, which runs several of them."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture nothing."""
        yield


class _ProxiedServer(_Server):
    """A server whose connections begin with a PROXY header."""

    def __init__(self, config: uvicorn.Config, listener: Listener) -> None:
        super().__init__(config)
        self._listener = listener

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept connections; uvicorn's own way would begin them with TLS."""
        await self.lifespan.startup()
        entrance = Entrance(
            tls=self._listener.tls,
            trust=TrustedProxies(self._listener.proxies).trust,
            has_room=self._has_room,
            new_protocol=self._new_protocol,
        )
        # uvicorn asks no more of its servers than to close and to say when they are closed.
        self.servers = [
            cast("asyncio.Server", ProxiedConnections(each, entrance)) for each in sockets or ()
        ]
        self.started = True

    def _has_room(self, arriving: int) -> bool:
        return len(self.server_state.connections) + arriving < self._listener.max_connections

    def _new_protocol(self, client: Endpoint) -> asyncio.Protocol:
        return OneAtATime(
            clock=self._listener.clock,
            client=client,
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
        )


async def serve(listeners: Sequence[Listener], *, on_ready: Callable[[], None]) -> None:
    """Serve until SIGTERM or SIGINT; then finish running answers for up to 30 seconds.

    *on_ready* is called once when every listener accepts connections. Raises ``OSError`` when an
    address cannot be bound; none is left open then.
    """
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(_bind(listener)) for listener in listeners]
        servers = [_new_server(listener) for listener in listeners]
        _stop_on_signal(servers)
        running = [
            asyncio.ensure_future(server.serve(sockets=[sock]))
            for server, sock in zip(servers, sockets, strict=True)
        ]
        await _wait_until_started(servers, running)
        on_ready()
        await asyncio.gather(*running)


def _new_server(listener: Listener) -> _Server:
    config = _config(listener)
    return _ProxiedServer(config, listener) if listener.proxies else _Server(config)


def _config(listener: Listener) -> uvicorn.Config:
    return uvicorn.Config(
        listener.app,
        # uvicorn only ever calls it, as it would call the class.
        http=cast("type[asyncio.Protocol]", partial(OneAtATime, clock=listener.clock)),
        ws="none",
        limit_concurrency=listener.max_connections,
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=_IDLE_SECONDS,
        timeout_graceful_shutdown=_GRACE_SECONDS,
        ssl_context_factory=lambda _config, _default: listener.tls,
    )


def _find_verified_certificate(transport: asyncio.Transport) -> _ClientCertificate | None:
    tls: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
    if tls is None or tls.context.verify_mode is ssl.CERT_NONE:
        return None
    # What TLS could not verify has ended the handshake.
    der = tls.getpeercert(binary_form=True)
    if der is None:
        return None
    with contextlib.suppress(ValueError):  # OpenSSL reads more than this parser does
        return _ClientCertificate(der, x509.load_der_x509_certificate(der).not_valid_after_utc)
    return None


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
