"""HTTPS listeners on uvicorn: one process, one event loop, several listeners.

uvicorn bounds neither the size of a head nor the time it takes, and puts trailers among the headers
that an application is already looking at; both are mended here, before anything is routed.

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
_MAX_HEAD_BYTES = 16_384
_MAX_HEADERS = 100
_REFUSED = "This request is refused."


class _ClientCertificate(NamedTuple):
    der: bytes
    ends_at: datetime


class OneAtATime(HttpToolsProtocol):
    """HTTP/1.1 without pipelining: a request before the answer to the last ends the connection.

    No client in use pipelines. Whoever does would make uvicorn stop reading, and so keep the
    gateway from noticing that the client has left: vLLM would go on for nobody.

    A head must be whole *head_seconds* after the connection was made, or after the first byte that
    follows an answer. A request that two servers could read differently is refused with 400: see
    :func:`_is_ambiguous`, and RFC 9110 §6.5.1 for trailers.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        head_seconds: float,
        client: Endpoint | None = None,
        **of_uvicorn: Any,
    ) -> None:
        super().__init__(**of_uvicorn)
        self._clock = clock
        self._head_seconds = head_seconds
        self._named_client = client
        self._client_certificate: _ClientCertificate | None = None
        self._head_timer: asyncio.TimerHandle | None = None
        self._is_head = True
        self._head_bytes = 0
        self._waste_bytes = 0  # since the last thing that was of use: a head, a body, an end

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take over a connection whose TLS handshake is done."""
        super().connection_made(transport)
        self.client = self._named_client or self.client
        self._client_certificate = _find_verified_certificate(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of the connection."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, unless what comes leads to no request."""
        self._waste_bytes += len(data)
        super().data_received(data)
        if self._waste_bytes > _MAX_HEAD_BYTES:
            self.send_400_response(_REFUSED)
        elif not self._is_answering():
            self._await_head()

    def send_400_response(self, msg: str) -> None:
        """Refuse and close; where an answer has begun nothing can be said any more."""
        if self.transport.is_closing():
            return
        if self._is_answering() and self.cycle.response_started:
            self.transport.abort()
        else:
            super().send_400_response(msg)

    def on_message_begin(self) -> None:
        """Begin a request, unless the one before is still being answered."""
        super().on_message_begin()
        self._is_head, self._head_bytes = True, 0
        certificate = self._client_certificate
        # A connection, or a TLS session that is resumed, may outlive what was verified.
        if certificate is not None and self._clock() < certificate.ends_at:
            self.scope["extensions"] = {"tls": {"client_cert_der": certificate.der}}
        if self._is_answering():
            self.transport.abort()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; a trailer ends the connection."""
        if not self._is_head:
            self.send_400_response(_REFUSED)
            return
        self._head_bytes += len(name) + len(value)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Start the application, unless the connection was given up."""
        self._is_head, self._waste_bytes = False, 0
        self._stop_waiting()
        size = self._head_bytes + len(self.url)
        version = self.parser.get_http_version()
        is_refused = size > _MAX_HEAD_BYTES or _is_ambiguous(self.url, self.headers, version)
        if is_refused and not self.transport.is_closing():
            # What the parser finds after this is not looked at.
            self.send_400_response(_REFUSED)
        if not self.transport.is_closing():
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Hand the body on, unless the connection was given up."""
        self._waste_bytes = 0
        if not self.transport.is_closing():
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Tell the application that its body is whole, unless the connection was given up."""
        self._waste_bytes = 0
        if not self.transport.is_closing():
            super().on_message_complete()

    def _is_answering(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete

    def _await_head(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(self._head_seconds, self._give_up)

    def _stop_waiting(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _give_up(self) -> None:
        self._head_timer = None
        self.transport.abort()


def _is_ambiguous(target: bytes, headers: Sequence[tuple[bytes, bytes]], version: str) -> bool:
    """Return whether a proxy in front may have understood another request (RFC 9112 §3.2, §6.1).

    That is: no ``Host`` or two, a target that is not a path, chunks in HTTP/1.0, or more headers
    than proxies let through. Two lengths were refused by the parser.
    """
    names = [name for name, _ in headers]
    chunks_in_old = version != "1.1" and b"transfer-encoding" in names
    not_a_path = not target.startswith(b"/")
    return names.count(b"host") != 1 or chunks_in_old or not_a_path or len(names) > _MAX_HEADERS


@dataclass(frozen=True, slots=True)
class Listener:
    """An ASGI application, and where it listens with which TLS context.

    *clock* is asked whether a client certificate is still good. With *proxies*, these networks
    alone may connect, and each connection begins with a PROXY header that names its client. A
    connection on which no whole head arrives within *head_seconds* is closed.
    """

    host: IPv4Address | IPv6Address
    port: int
    tls: ssl.SSLContext
    app: Any
    clock: Clock
    max_connections: int = 2_000
    proxies: tuple[Network, ...] = ()
    head_seconds: float = 10.0


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
            head_seconds=self._listener.head_seconds,
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
    protocol = partial(OneAtATime, clock=listener.clock, head_seconds=listener.head_seconds)
    return uvicorn.Config(
        listener.app,
        # uvicorn only ever calls it, as it would call the class.
        http=cast("type[asyncio.Protocol]", protocol),
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
