"""One answer of a model server, read as it arrives (RFC 9112), by httptools.

Nothing of it is believed but its status, its content type and its body. Whatever else it is
(garbage, interim answers, two answers, endless heads, chunks or bodies) is an error without a word
of it, and its connection is never used again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Final

import httptools

from gateway.backends.upstream_connection import Connection
from gateway.core.errors import UpstreamTimedOut, UpstreamUnavailable

_MAX_OVERHEAD_BYTES: Final = 65_536
"""How much may come without a byte of body: a head, chunk extensions, trailers."""

_FIRST_FINAL_STATUS: Final = 200  # we ask for no interim answers and take none
_NO_VLLM: Final = frozenset({502, 503})
"""Who answers so is no engine that works (RFC 9110 §15.6). A caller can bring about 500 and 504."""


@dataclass(frozen=True, slots=True)
class AnswerLimits:
    """How long an answer may take, in seconds, and how long it may be.

    *head* is long because an answer that is not streamed begins when it is complete; *idle* is
    between two pieces of the body, *whole* from the head to the end. *max_bytes* counts what came
    over the connection.
    """

    head: float = 300.0
    idle: float = 60.0
    whole: float = 3600.0
    max_bytes: int = 256 * 2**20


class StaleConnection(Exception):
    """The connection ended before a single byte of the answer."""


class Answer:
    """An answer being read; the methods below the line are httptools callbacks."""

    def __init__(
        self, connection: Connection, release: Callable[[Connection], None], limits: AnswerLimits
    ) -> None:
        self.status = 0
        self.content_type = ""
        self.has_failed = False
        self.is_whole = False
        self._connection = connection
        self._release = release
        self._limits = limits
        self._parser = httptools.HttpResponseParser(self)
        self._pending: list[bytes] = []
        self._received_bytes = 0
        self._overhead_bytes = 0
        self._field_bytes = 0
        self._head_read = False
        self._reusable = False
        self._faulty = False
        self._closed = False

    async def read_head(self) -> None:
        """Return once the head is there.

        Raises ``StaleConnection``, ``UpstreamTimedOut`` or ``UpstreamUnavailable``; the connection
        is cut then.
        """
        try:
            async with asyncio.timeout(self._limits.head):
                while not self._head_read:
                    await self._connection.arrival()
                    self._read(self._connection.take())
        except TimeoutError:
            await self.close()
            raise UpstreamTimedOut from None
        except BaseException:
            await self.close()
            raise
        self.has_failed = self.status in _NO_VLLM
        self._connection.watch(idle_seconds=self._limits.idle, whole_seconds=self._limits.whole)

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body, one item for each read. Raises ``UpstreamUnavailable`` when cut off."""
        while True:
            if self._pending:
                data = self._pending[0] if len(self._pending) == 1 else b"".join(self._pending)
                self._pending.clear()
                yield data
            if self.is_whole:
                return
            try:
                await self._connection.arrival()
                self._read(self._connection.take())
            except UpstreamTimedOut:
                raise
            except (UpstreamUnavailable, StaleConnection):
                # A caller can ask for more than may come, and would take servers from everybody.
                self.has_failed = self._received_bytes <= self._limits.max_bytes
                raise UpstreamUnavailable from None

    async def close(self) -> None:
        """Give the connection back, or cut it: that is what makes vLLM stop generating.

        Only once: given back, the connection may already be somebody else's. Nothing is read after.
        """
        if self._closed:
            return
        self._closed = True
        del self._parser  # with its callbacks it is a cycle, which would wait for the collector
        self._connection.unwatch()
        if self._reusable and self._connection.is_quiet():
            self._release(self._connection)
        else:
            self._connection.abort()

    def _read(self, data: bytes) -> None:
        if not data:
            raise UpstreamUnavailable if self._received_bytes else StaleConnection
        self._received_bytes += len(data)
        self._overhead_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._faulty = True
        if self._overhead_bytes > _MAX_OVERHEAD_BYTES:
            self._faulty = True
        if self._received_bytes > self._limits.max_bytes and not self.is_whole:
            self._faulty = True
        if self._faulty:
            self._reusable = False
            raise UpstreamUnavailable

    # ------------------------------------------------------------------ httptools callbacks

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep the one header that matters; trailers come here too, and say nothing."""
        self._field_bytes += len(name) + len(value)
        if self._field_bytes > _MAX_OVERHEAD_BYTES:  # with a body behind it in the same read
            self._faulty = True
        if not self._head_read and name.lower() == b"content-type":
            self.content_type = value.split(b";")[0].strip().lower().decode("latin-1")

    def on_message_begin(self) -> None:
        """Refuse a second answer, which nobody asked for."""
        if self.is_whole:
            self._faulty = True

    def on_headers_complete(self) -> None:
        """Take the status."""
        self.status = self._parser.get_status_code()
        if self.status < _FIRST_FINAL_STATUS:
            self._faulty = True
        self._head_read = True

    def on_body(self, body: bytes) -> None:
        """Keep a piece of the body."""
        self._overhead_bytes = 0
        self._pending.append(body)

    def on_message_complete(self) -> None:
        """Note the end."""
        self.is_whole = True
        # Only now does the parser know; after this callback it has forgotten.
        self._reusable = bool(self._parser.should_keep_alive())
