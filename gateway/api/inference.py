"""The data plane's ASGI adapter: a scope becomes a ``Received``, ``send`` becomes a ``Downstream``.

It also watches the connection while the chain works, and cancels the chain when the client leaves:
vLLM then stops generating for nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import suppress
from ipaddress import ip_address

from starlette.requests import HTTPConnection
from starlette.types import Receive, Scope, Send

from gateway.api.caller import client_certificate
from gateway.core.errors import SealgateError
from gateway.core.identity import Address
from gateway.pipeline.chain import Chain
from gateway.pipeline.exchange import Headers, Received


class Inference:
    """ASGI application that runs the chain."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; returns when it is answered or the client has left."""
        body = _Body(receive)
        received = Received(
            method=scope["method"],
            path=raw_target(scope),
            headers=scope["headers"],
            peer=peer_address(scope),
            body=body.chunks(),
            client_certificate=client_certificate(HTTPConnection(scope)),
        )
        downstream = _AsgiDownstream(send)
        with _Watch(body, downstream):
            await self._chain.serve(received, downstream)


def raw_target(scope: Scope) -> str:
    """Return path and query as they came, undecoded: routes are compared with exact bytes."""
    raw: bytes = scope["raw_path"]
    query: bytes = scope["query_string"]
    return (raw + b"?" + query if query else raw).decode("latin-1")


def peer_address(scope: Scope) -> Address:
    """Return the address at the other end of the connection; the listener always knows it."""
    return ip_address(scope["client"][0])


class _Body:
    """Reads the request body once, then tells when the client leaves."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._read_or_gone = asyncio.Event()
        self._gone = False

    async def chunks(self) -> AsyncIterator[bytes]:
        more = True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self._gone = True
                self._read_or_gone.set()
                await asyncio.Event().wait()  # a half request is never worked on; we get cancelled
            if message.get("body"):
                yield message["body"]
            more = message.get("more_body", False)
        self._read_or_gone.set()

    async def wait_for_disconnect(self) -> None:
        await self._read_or_gone.wait()
        while not self._gone:
            self._gone = (await self._receive())["type"] == "http.disconnect"


class _AsgiDownstream:
    """Writes an answer through ASGI's ``send``, which waits, not for ever, for a client to read."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.is_finished = False

    async def start(self, status: int, headers: Headers) -> None:
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    def send(self, data: bytes) -> Awaitable[None]:  # a coroutine less for every token
        return self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def finish(self) -> None:
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})
        self.is_finished = True


class _Watch:
    """Cancels the work inside when the client leaves before it has its answer, and ends there.

    Like ``asyncio.timeout``, it tells its own cancellation from one that came from outside. What
    is still to be done after the last byte, such as counting its cost, is left alone.
    """

    def __init__(self, body: _Body, downstream: _AsgiDownstream) -> None:
        self._body = body
        self._downstream = downstream
        self._serving = asyncio.current_task()
        self._has_left = False

    def __enter__(self) -> None:
        self._watching = asyncio.ensure_future(self._watch())

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        self._watching.cancel()
        del self._watching  # which keeps the frame that it ends in, and with that this object
        if self._serving is None or not self._has_left:
            return False
        is_ours = not self._serving.uncancel()
        return is_ours and kind is not None and issubclass(kind, asyncio.CancelledError)

    async def _watch(self) -> None:
        with suppress(SealgateError):  # of a body that is of no use any more
            await self._body.wait_for_disconnect()
        if self._serving is not None and not self._downstream.is_finished:
            self._has_left = True
            self._serving.cancel()
