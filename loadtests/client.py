"""A client that opens many streams at once and does as little as possible with each token.

It keeps what arrives with the time at which it came; `loadtests.reading` looks into it afterwards.
"""

import asyncio
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter
from typing import Protocol, cast

import httptools
import orjson

from gateway.core.bhttp import Request, encode_request
from gateway.core.bhttp_fields import Fields
from gateway.core.bhttp_response import ResponseDecoder
from gateway.core.ohttp import (
    REQUEST_MEDIA_TYPE,
    RESPONSE_MEDIA_TYPE,
    RequestSealer,
    ResponseOpener,
)
from gateway.core.ohttp_keys import KeyConfig
from loadtests.reading import Arrival

CHAT_PATH = "/v1/chat/completions"
_HANDSHAKES = 16
SEALED_PATH = "/.well-known/ohttp-gateway"


class Opener(Protocol):
    """Turns the body as it comes into the model's stream."""

    def feed(self, data: bytes) -> bytes:
        """Return what is readable of *data*."""

    def finish(self) -> tuple[int, bytes]:
        """Return the status and what the final chunk held; raises when the answer was cut."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One request, ready to be written, and what opens its answer."""

    data: bytes
    opener: Opener | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """Where streams are opened."""

    name: str
    address: Path | tuple[str, int]
    prepare: Callable[[bytes], Outgoing]
    """From the request's body to what is written."""
    tls: ssl.SSLContext | None = None


@dataclass
class Received:
    """One answer as it came."""

    started_at: float
    status: int = 0
    arrivals: list[Arrival] = field(default_factory=list)
    error: str | None = None


class StreamConnection(asyncio.Protocol):
    """One request on one connection."""

    def __init__(self, outgoing: Outgoing) -> None:
        self._outgoing = outgoing
        self._parser = httptools.HttpResponseParser(self)
        self.received = Received(perf_counter())
        self.done: asyncio.Future[Received] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def send(self) -> None:
        """Send the request and start the clock: handshakes are over and not counted."""
        self.received.started_at = perf_counter()
        self._transport.write(self._outgoing.data)

    def leave(self) -> None:
        """Go away in the middle, as a client does that lost interest."""
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Hand on to the parser."""
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, ValueError) as error:
            self._fail(type(error).__name__)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - lost is lost
        """Note that the answer was cut short, if it was."""
        self._fail("connection lost")

    def on_body(self, body: bytes) -> None:
        """Keep a part of the answer and when it came."""
        opener = self._outgoing.opener
        self._keep(body if opener is None else opener.feed(body))

    def on_message_complete(self) -> None:
        """Finish."""
        opener = self._outgoing.opener
        self.received.status = self._parser.get_status_code()
        if opener is not None and self.received.status == 200:
            self.received.status, rest = opener.finish()
            self._keep(rest)  # an answer that is not streamed is all in its final chunk
        if not self.done.done():
            self.done.set_result(self.received)
        self._transport.close()

    def _keep(self, readable: bytes) -> None:
        if readable:
            self.received.arrivals.append(Arrival(perf_counter(), readable))

    def _fail(self, reason: str) -> None:
        if not self.done.done():
            self.received.error = reason
            self.done.set_result(self.received)
            self._transport.close()


_QUESTION = "Tell me about the records of someone@example.com."
_PADDING = "The form has one more line. "


def chat_body(
    *, tokens: int, variant: int, model: str, streamed: bool, prompt_bytes: int = 0
) -> bytes:
    """Return a request for answer number *variant* of *tokens* tokens."""
    prompt = _PADDING * (prompt_bytes // len(_PADDING)) + _QUESTION
    asked = {"model": model, "messages": [{"role": "user", "content": prompt}], "stream": streamed}
    return orjson.dumps(asked | {"max_tokens": tokens, "seed": variant})


def write_request(
    path: str, body: bytes, *, headers: Sequence[tuple[str, str]], method: str = "POST"
) -> bytes:
    """Return the bytes of one request."""
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
    lines.append(f"content-length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def in_the_clear(*, host: str, token: str) -> Callable[[bytes], Outgoing]:
    """Return how a request is prepared that nothing but TLS protects."""
    headers = [("host", host), ("authorization", f"Bearer {token}")]
    headers.append(("content-type", "application/json"))

    def prepare(body: bytes) -> Outgoing:
        return Outgoing(write_request(CHAT_PATH, body, headers=headers))

    return prepare


class _SealedAnswer:
    def __init__(self, opener: ResponseOpener) -> None:
        self._opener = opener
        self._decoder = ResponseDecoder()

    def feed(self, data: bytes) -> bytes:
        return self._decoder.feed(self._opener.feed(data))

    def finish(self) -> tuple[int, bytes]:
        rest = self._decoder.feed(self._opener.finish())
        return self._decoder.finish().status, rest


def bearer(token: str) -> Callable[[Request], Fields]:
    """Return what proves, inside the seal, that a request is allowed: *token* alone."""
    headers = ((b"authorization", f"Bearer {token}".encode()),)
    return lambda _: headers


def sealed(
    key: KeyConfig, *, host: str, prove: Callable[[Request], Fields], date: Callable[[], str]
) -> Callable[[bytes], Outgoing]:
    """Return how a request is prepared that is sealed to *key*, a fresh encapsulation each time.

    *prove* gives the fields that say who asks, for each request anew.
    """
    outer = [("host", host), ("content-type", REQUEST_MEDIA_TYPE), ("accept", RESPONSE_MEDIA_TYPE)]

    def prepare(body: bytes) -> Outgoing:
        inner = ((b"content-type", b"application/json"), (b"date", date().encode()))
        request = Request(
            b"POST", CHAT_PATH.encode(), authority=host.encode(), headers=inner, body=body
        )
        request = replace(request, headers=(*prove(request), *inner))
        sealer = RequestSealer(key)
        data = sealer.finish(encode_request(request))
        opener = _SealedAnswer(sealer.response_opener())
        return Outgoing(write_request(SEALED_PATH, data, headers=outer), opener)

    return prepare


async def connect(target: Target, body: bytes) -> StreamConnection:
    """Return a connection to *target* that is ready to send *body*."""
    loop = asyncio.get_running_loop()
    outgoing = target.prepare(body)

    def build() -> StreamConnection:
        return StreamConnection(outgoing)

    if isinstance(target.address, Path):
        _, connection = await loop.create_unix_connection(build, str(target.address))
    else:
        host, port = target.address
        _, connection = await loop.create_connection(build, host, port, ssl=target.tls)
    return connection


async def connect_all(target: Target, bodies: Sequence[bytes]) -> list[StreamConnection]:
    """Return one connection per body, a few handshakes at a time."""
    connections: list[StreamConnection] = []
    for start in range(0, len(bodies), _HANDSHAKES):
        batch = bodies[start : start + _HANDSHAKES]
        connections += await asyncio.gather(*(connect(target, body) for body in batch))
    return connections


async def receive_all(connections: Sequence[StreamConnection]) -> list[Received]:
    """Send every request at once and return the answers in the same order."""
    for connection in connections:
        connection.send()
    return await asyncio.gather(*(connection.done for connection in connections))
