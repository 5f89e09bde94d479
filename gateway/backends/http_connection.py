"""One HTTP/1 connection of a listener: it reads requests, starts the application, keeps time.

Requests are served one after the other. A request that the listener refuses reaches no application:
it gets one answer, is recorded, and nothing after it is read.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, cast
from urllib.parse import unquote

from cryptography import x509
from uvicorn.server import ServerState

from gateway.backends.accepted_connections import Endpoint
from gateway.backends.http_exchange import Application, HttpExchange, response_head
from gateway.backends.http_requests import Headers, RequestReader
from gateway.core.connection_pace import ConnectionPace, Overdue, PaceLimits
from gateway.core.connection_places import Place
from gateway.core.errors import RequestTimeout, SealgateError
from gateway.core.ports import Clock
from gateway.core.request_head import HeadFacts, RequestLine

_MAX_UNSENT_BYTES = 65_536  # of an answer; whoever writes more waits until the client has read


Refuse = Callable[[SealgateError, str], tuple[int, Sequence[tuple[bytes, bytes]], bytes]]
"""Returns status, headers and body for an error and its client's address, and records both."""


@dataclass(frozen=True, slots=True)
class Service:
    """What all connections of a listener share.

    *clock* is asked whether a client certificate is still good. *state* is the server's: it has the
    connections and tasks that run, and the headers that every answer begins with.
    """

    app: Application
    refuse: Refuse
    clock: Clock
    pace: PaceLimits
    state: ServerState

    @property
    def connections(self) -> set[HttpConnection]:
        """Those that are open; uvicorn tells them when to end."""
        return cast("set[HttpConnection]", self.state.connections)


class _ClientCertificate(NamedTuple):
    der: bytes
    ends_at: datetime


class HttpConnection(asyncio.Protocol):
    """The protocol of one connection, from the end of its TLS handshake on."""

    def __init__(self, service: Service, client: Endpoint, place: Place) -> None:
        self._service, self._client, self._place = service, client, place
        self._loop = asyncio.get_running_loop()
        self._pace = ConnectionPace(service.pace, self._loop.time())
        self._exchange: HttpExchange | None = None
        self._has_begun = False  # a request, since the last answer
        self._is_leaving = self._is_held = self._is_stopping = False
        self.may_write = asyncio.Event()
        self.may_write.set()

    @property
    def default_headers(self) -> Sequence[tuple[bytes, bytes]]:
        """What every answer begins with."""
        return self._service.state.default_headers

    @property
    def write_seconds(self) -> float:
        """How long a client may take until more can be written to it."""
        return self._service.pace.write_seconds

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take over a connection whose TLS handshake is done."""
        # Not before: who does not arrive makes no cycle.
        self._reader = RequestReader(self)
        self._transport = transport
        self.write: Callable[[bytes], None] = transport.write
        transport.set_write_buffer_limits(high=_MAX_UNSENT_BYTES)
        self._server = transport.get_extra_info("sockname")[:2]
        self._certificate = _find_verified_certificate(transport)
        self._verified_at = self._loop.time()
        self._service.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Let go of the connection."""
        self._service.connections.discard(self)
        self._place.leave()
        self._reader.close()
        self.may_write.set()
        if self._exchange is not None:
            self._exchange.leave()
            self._exchange = None

    def data_received(self, data: bytes) -> None:
        """Read on, unless nothing more is to be read."""
        if self._is_leaving:
            return
        if self._exchange is None and not self._has_begun:
            self._has_begun = True
            self._pace.await_head(self._loop.time())
        try:
            self._reader.feed(data)
        except SealgateError as error:
            self._refuse(error)

    def pause_writing(self) -> None:
        """Have the application wait: the client does not read as fast as it writes."""
        self.may_write.clear()

    def resume_writing(self) -> None:
        """Let the application write: the client has read enough."""
        self.may_write.set()

    def take_head(self, line: RequestLine, headers: Headers, facts: HeadFacts) -> None:
        """Start the application; the body, if there is one, is yet to come."""
        path = line.path.decode("ascii")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": line.version,
            "server": self._server,
            "client": self._client,
            "scheme": "https",
            "root_path": "",
            "method": line.method,
            "path": unquote(path) if "%" in path else path,
            "raw_path": line.path,
            "query_string": line.query,
            "headers": headers,
        }
        certificate = self._certificate
        # A connection, or a TLS session that is resumed, may outlive what was verified.
        if certificate is not None and self._service.clock() < certificate.ends_at:
            scope["extensions"] = {"tls": {"client_cert_der": certificate.der}}
        self._exchange = exchange = HttpExchange(
            self,
            scope,
            keep_alive=facts.keep_alive and self._may_be_kept(),
            waits_for_continue=facts.waits_for_continue,
        )
        self._pace.await_body(self._loop.time())
        task = self._loop.create_task(exchange.run(self._service.app))
        self._service.state.tasks.add(task)
        task.add_done_callback(self._forget)

    def take_body(self, piece: bytes) -> None:
        """Hand a piece of the body on."""
        self._pace.feed_body(len(piece))
        if self._exchange is not None:
            self._exchange.feed(piece)

    def take_end(self) -> None:
        """Tell the application that its request is whole."""
        self._pace.answer()
        if self._exchange is not None:
            self._exchange.finish()

    def hold_reading(self, *, hold: bool) -> None:
        """Stop reading, or go on; a body that we do not read is not late."""
        if hold is self._is_held or self._transport.is_closing():
            return
        self._is_held = hold
        if hold:
            self._transport.pause_reading()
            self._pace.answer()
        else:
            self._transport.resume_reading()
            if self._reader.is_reading:
                self._pace.await_body(self._loop.time())

    def end_exchange(self, *, keep_alive: bool) -> None:
        """Await the next request, or close once this one's rest is thrown away."""
        self.hold_reading(hold=False)
        self._exchange = None
        if self._reader.is_reading:
            self._leave()
        elif keep_alive and self._may_be_kept():
            self._has_begun = False
            self._reader.next_request()
            self._pace.await_request(self._loop.time())
        else:
            self._close()

    def abort(self) -> None:
        """Cut the connection: nothing can be said any more."""
        self._transport.abort()

    def shutdown(self) -> None:
        """Close once the running answer is over."""
        self._is_stopping = True
        if self._exchange is None:
            self._close()
        else:
            self._exchange.keep_alive = False

    def look(self, now: float) -> None:
        """Do what is due at *now*, in the loop's own time."""
        unsent = self._transport.get_write_buffer_size()
        match self._pace.find_overdue(now, unsent_bytes=unsent):
            case None:
                return
            case Overdue.HEAD if self._has_begun:
                self._refuse(RequestTimeout())
            case Overdue.BODY:
                self._refuse(RequestTimeout())
            case Overdue.IDLE:
                self._close()
            case Overdue.READER if self._exchange and self._exchange.waits_for_reader:
                return  # the application hears of it in a moment, and can record it
            case _:
                self._transport.abort()

    def _may_be_kept(self) -> bool:
        """Return whether another request may come: certificates are verified in handshakes."""
        age = self._loop.time() - self._verified_at
        is_new = self._certificate is None or age < self._service.pace.certificate_seconds
        return is_new and not self._is_stopping

    def _refuse(self, error: SealgateError) -> None:
        """Answer with *error*, or have the application do it, or cut what cannot be mended."""
        exchange = self._exchange
        if exchange is None:
            self._answer(error)
            self._close()
        elif exchange.is_started or not self._reader.is_reading:
            self._is_leaving = True
            self._transport.abort()
        else:
            self._pace.answer()
            self._is_leaving = True
            exchange.fail(error)

    def _answer(self, error: SealgateError) -> None:
        status, headers, body = self._service.refuse(error, self._client[0])
        length = (b"content-length", b"%d" % len(body))
        every = [*self.default_headers, *headers, length]
        self._transport.write(response_head(status, every, keep_alive=False) + body)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._service.state.tasks.discard(task)
        if not task.cancelled():
            # The application has reported its faults; here they would be printed with their texts.
            task.exception()

    def _leave(self) -> None:
        self._is_leaving = True
        self._pace.leave(self._loop.time())

    def _close(self) -> None:
        """Close, and cut off whoever does not let that happen."""
        self._leave()
        self._transport.close()


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
