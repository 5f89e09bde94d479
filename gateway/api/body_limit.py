"""A limit on request bodies for the control plane's apps, in plain ASGI."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.core.errors import (
    MalformedRequest,
    PayloadTooLarge,
    RequestTimeout,
    SealgateError,
)
from gateway.pipeline.exchange import WholeAnswer

BODY_SECONDS: Final = 15.0


class BodyLimit:
    """Reads the whole body before the app runs; answers 413 itself above *max_body_bytes*.

    A body that is not whole after *seconds* is answered with 408. The app therefore never sees half
    a body. *present* gives the error the app's own shape.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        max_body_bytes: int,
        present: Callable[[SealgateError], WholeAnswer],
        seconds: float = BODY_SECONDS,
    ) -> None:
        self._app = app
        self._max_body_bytes = max_body_bytes
        self._present = present
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one call (ASGI 3)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            async with asyncio.timeout(self._seconds):
                body = await self._read(receive)
        except TimeoutError:
            await _answer(self._present(RequestTimeout()), send)
            return
        except SealgateError as error:
            await _answer(self._present(error), send)
            return
        await self._app(scope, replay(body, receive), send)

    async def _read(self, receive: Receive) -> bytes:
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] != "http.request":
                raise MalformedRequest
            body += message.get("body", b"")
            if len(body) > self._max_body_bytes:
                raise PayloadTooLarge
            if not message.get("more_body", False):
                return bytes(body)


def replay(body: bytes, receive: Receive) -> Receive:
    """Return a *receive* that gives *body* as one message first, whole."""
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return pending.pop() if pending else await receive()

    return replayed


async def _answer(answer: WholeAnswer, send: Send) -> None:
    headers = [
        (b"content-type", answer.content_type.encode()),
        (b"content-length", str(len(answer.body)).encode()),
        (b"cache-control", b"no-store"),
        (b"connection", b"close"),  # the rest of the body is not read
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
