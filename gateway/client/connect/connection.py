"""One connection of a local application: requests in, answers out as they arrive.

Holds one request at a time, one piece of its answer, and at most another request that came early.
A cut answer ends the connection without the end of the message, so that the application's HTTP
library raises; an application that leaves ends the exchange with the gateway at once.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

import h11
import httpx2

from gateway.client.connect.http_messages import (
    LocalRefusal,
    answer_headers,
    check_request,
    refusal_events,
)
from gateway.client.connect.relay import BrokenOff, Relay, read_content

_READ_BYTES: Final = 65_536
_MAX_HEAD_BYTES: Final = 32_768
_LINGER_SECONDS: Final = 2.0
_HAS_NO_BODY: Final = frozenset({204, 304})


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes of one body, and seconds: between requests, for one to arrive, for one write."""

    max_body_bytes: int
    idle_seconds: float = 75.0
    request_seconds: float = 60.0
    write_seconds: float = 60.0


class _Gone(Exception):
    """The application has closed its side, or does not read or send any more."""


class LocalConnection:
    """Serves one connection until either side is done with it."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        relay: Relay,
        limits: Limits,
        is_tcp: bool,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._relay = relay
        self._limits = limits
        self._is_tcp = is_tcp
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=_MAX_HEAD_BYTES)
        self._is_stopping = False
        self.is_idle = True
        """Whether no request is being answered: then the connection may be closed any time."""

    async def serve(self) -> None:
        """Answer request after request. Ends when the connection does; raises nothing of its."""
        try:
            while await self._serve_one():
                self._http.start_next_cycle()
            await self._end()
        except (_Gone, BrokenOff, OSError):
            pass
        finally:
            # Whatever was not ended above must not look as if it had been.
            self._writer.transport.abort()

    def stop(self) -> None:
        """Let the answer that is under way be the last one."""
        self._is_stopping = True

    async def _serve_one(self) -> bool:
        """Answer one request; say whether another may follow."""
        try:
            request, body = await self._read_request()
            self.is_idle = False
            await self._while_present(request, body)
        except LocalRefusal as refusal:
            await self._refuse(refusal)
        except h11.RemoteProtocolError as error:
            await self._refuse(
                LocalRefusal(error.error_status_hint, "malformed_request", "This is no HTTP/1.1.")
            )
        self.is_idle = True
        states = (self._http.our_state, self._http.their_state)
        return states == (h11.DONE, h11.DONE) and not self._is_stopping

    async def _refuse(self, refusal: LocalRefusal) -> None:
        if self._http.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            for event in refusal_events(refusal):
                await self._write(event)

    async def _read_request(self) -> tuple[h11.Request, bytes]:
        event = await self._next_event(self._limits.idle_seconds)
        assert isinstance(event, h11.Request), "nothing else begins a request"
        self.is_idle = False
        check_request(event, is_tcp=self._is_tcp)
        if self._http.they_are_waiting_for_100_continue:
            await self._write(h11.InformationalResponse(status_code=100, headers=[]))
        body = bytearray()
        try:
            async with asyncio.timeout(self._limits.request_seconds):
                while isinstance(part := await self._next_event(None), h11.Data):
                    body += part.data
                    if len(body) > self._limits.max_body_bytes:
                        raise LocalRefusal(413, "payload_too_large", "The body is too large.")
        except TimeoutError:
            raise LocalRefusal(408, "request_timeout", "The request did not arrive.") from None
        return event, bytes(body)

    async def _next_event(self, seconds: float | None) -> h11.Event:
        while not isinstance(event := self._http.next_event(), h11.Event):
            assert event is h11.NEED_DATA, "a request is read only after the one before it"
            try:
                async with asyncio.timeout(seconds):
                    data = await self._reader.read(_READ_BYTES)
            except TimeoutError:
                raise _Gone from None
            if not data:
                raise _Gone
            self._http.receive_data(data)
        return event

    async def _while_present(self, request: h11.Request, body: bytes) -> None:
        """Answer, unless the application leaves in the meantime."""
        answering = asyncio.ensure_future(self._answer(request, body))
        watching = asyncio.ensure_future(self._watch())
        try:
            await asyncio.wait({answering, watching}, return_when=asyncio.FIRST_COMPLETED)
            if not answering.done():
                raise _Gone
            await answering
        finally:
            for task in (answering, watching):
                task.cancel()
            await asyncio.gather(answering, watching, return_exceptions=True)

    async def _watch(self) -> None:
        """Return when the application has left, or sends more ahead than one further request."""
        early_bytes = len(self._http.trailing_data[0])
        while early_bytes <= _MAX_HEAD_BYTES + self._limits.max_body_bytes:
            if not (data := await self._reader.read(_READ_BYTES)):
                return
            early_bytes += len(data)
            self._http.receive_data(data)  # the next request already: it waits its turn

    async def _answer(self, request: h11.Request, body: bytes) -> None:
        async with self._relay.answer(request, body) as response:
            headers = answer_headers(response.headers.raw, is_last=self._is_stopping)
            head = h11.Response(status_code=response.status_code, headers=headers)
            if response.status_code in _HAS_NO_BODY:
                async for _ in read_content(response):
                    pass
                await self._write(head)  # only now: the head is the whole answer
            else:
                await self._write(head)
                await self._write_content(response)
            await self._write(h11.EndOfMessage())

    async def _write_content(self, response: httpx2.Response) -> None:
        size = 0
        async for piece in read_content(response):
            size += len(piece)
            await self._write(h11.Data(data=piece))
        if response.headers.get("content-length", str(size)) != str(size):
            raise BrokenOff

    async def _write(self, event: h11.Event) -> None:
        if data := self._http.send(event):
            self._writer.write(data)
            await self._drain()

    async def _drain(self) -> None:
        try:
            async with asyncio.timeout(self._limits.write_seconds):
                await self._writer.drain()
        except TimeoutError:
            raise _Gone from None

    async def _end(self) -> None:
        async with asyncio.timeout(_LINGER_SECONDS):
            if self._http.their_state is not h11.DONE and self._writer.can_write_eof():
                # What was not read would make the kernel reset the connection, and a refusal that
                # is still on its way be lost. So the rest of the request is read and dropped.
                self._writer.write_eof()
                while await self._reader.read(_READ_BYTES):
                    pass
            self._writer.close()
            await self._writer.wait_closed()
