"""The order of sends and reads of one exchange, written once for all transports.

The coroutine awaits nothing but what the transport hands in. A synchronous transport hands in
coroutines that never wait, and runs the whole with :func:`run_without_waiting`; so both kinds share
every decision, and neither starts an event loop or a thread.
"""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Generic, Protocol, TypeVar

from gateway.client.exchange import Exchange
from gateway.client.outer import (
    MAX_PLAIN_ANSWER_BYTES,
    GatewayRefused,
    OuterAnswer,
    OuterHead,
    OuterRequest,
)
from gateway.client.session import Fetch, Grant, Session
from gateway.core.bhttp import Request
from gateway.core.bhttp_response import ResponseHead


class Reply(Protocol):
    """An outer answer whose body has not been read."""

    @property
    def head(self) -> OuterHead:
        """Status and headers."""

    async def read_chunk(self) -> bytes | None:
        """Return the next bytes of the body as they arrive, None after the last."""

    async def close(self) -> None:
        """Give the connection back."""


R = TypeVar("R", bound=Reply)
T = TypeVar("T")
Send = Callable[[OuterRequest], Awaitable[R]]


@dataclass(frozen=True, slots=True)
class Opened(Generic[R]):
    """A sealed answer whose head is there; *first* is the content that came along with it."""

    head: ResponseHead
    first: bytes
    exchange: Exchange
    reply: R


class Driver(Generic[R]):
    """Carry out exchanges of one session; *lock* lets one at a time fetch keys and tokens.

    *failures* is what *send* raises when the gateway cannot be reached.
    """

    def __init__(
        self,
        session: Session,
        *,
        lock: AbstractAsyncContextManager[Any],
        failures: type[Exception],
    ) -> None:
        self._session = session
        self._lock = lock
        self._failures = failures

    async def perform(self, request: Request, *, send: Send[R]) -> Opened[R] | GatewayRefused:
        """Return the opened answer, or the refusal to show instead of one.

        Raises ``MalformedRequest`` when *request* cannot be sealed, ``ProtocolFailure`` when the
        answer does not open, ``UntrustedKeys`` when the key document must not be believed, and
        whatever *send* raises.
        """
        exchange = Exchange(self._session, request)
        try:
            while (opened := await self._attempt(exchange, send)) is None:
                pass
        except GatewayRefused as refusal:
            return refusal
        return opened

    async def _attempt(self, exchange: Exchange, send: Send[R]) -> Opened[R] | None:
        """Send once; None when another attempt is due."""
        reply = await send(exchange.seal(await self._grant(send)))
        opened = None
        try:
            if not exchange.is_sealed(reply.head):
                exchange.retries_outside(await _read_plain(reply))
                return None
            first = await _read_head(exchange, reply)
            if exchange.needs_content:
                first = await _read_content(exchange, reply, first)
            if exchange.head is not None and not exchange.retries_inside(first):
                opened = Opened(exchange.head, first, exchange, reply)
        finally:
            if opened is None:
                await reply.close()
        return opened

    async def _grant(self, send: Send[R]) -> Grant:
        step = self._session.next_step()
        if isinstance(step, Grant):
            return step
        async with self._lock:
            while isinstance(step := self._session.next_step(), Fetch):
                try:
                    await _fetch(step, send)
                except (GatewayRefused, self._failures):
                    # A token is renewed while it still lives, exactly so that this does no harm.
                    if not step.is_early:
                        raise
        return step


class ThreadLock(AbstractAsyncContextManager[None]):
    """A thread lock in the driver's shape. Blocks the thread: for synchronous transports alone."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    async def __aenter__(self) -> None:
        self._lock.acquire()

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._lock.release()


def run_without_waiting(coroutine: Coroutine[Any, Any, T]) -> T:
    """Return the result of a coroutine whose awaits all complete at once."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    coroutine.close()
    raise RuntimeError("a synchronous transport was made to wait")


async def _fetch(step: Fetch, send: Send[R]) -> None:
    step.begin()
    reply = await send(step.request)
    try:
        step.store(await _read_plain(reply))
    finally:
        await reply.close()


async def _read_plain(reply: Reply) -> OuterAnswer:
    data = bytearray()
    while len(data) < MAX_PLAIN_ANSWER_BYTES and (chunk := await reply.read_chunk()) is not None:
        data += chunk
    return OuterAnswer(reply.head, bytes(data[:MAX_PLAIN_ANSWER_BYTES]))


async def _read_head(exchange: Exchange, reply: Reply) -> bytes:
    content = b""
    while (chunk := await reply.read_chunk()) is not None:
        content += exchange.feed(chunk)
        if exchange.head is not None:
            return content
    return content + exchange.finish()


async def _read_content(exchange: Exchange, reply: Reply, first: bytes) -> bytes:
    content = first
    while len(content) < MAX_PLAIN_ANSWER_BYTES:
        chunk = await reply.read_chunk()
        if chunk is None:
            return content + exchange.finish()
        content += exchange.feed(chunk)
    return content
