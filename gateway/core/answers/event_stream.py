"""Scrub an event stream of the model server, whatever the shape of its events.

It fails closed: if anything is not as expected, held text is dropped, an error is raised, and the
object stays dead.
"""

from __future__ import annotations

from typing import Protocol

from gateway.core.errors import ScrubFailed, SealgateError, UpstreamUnavailable
from gateway.core.sse import MAX_EVENT_BYTES, EventParser, ServerSentEvent


class EventRebuilder(Protocol):
    """Turns the events of one answer, in order, into events that are safe to send."""

    @property
    def is_done(self) -> bool:
        """Whether the event was here that ends a complete answer."""

    def take(self, event: ServerSentEvent) -> bytes:
        """Return the events that are safe to send after *event*, often none.

        Raises ``ScrubFailed`` for an event that is not understood and ``UpstreamUnavailable`` for
        one that says that the answer failed. It is not called again after that.
        """

    def take_ordinary(self, blocks: list[bytes], at: int) -> tuple[bytes, int]:
        """Return what is safe to send after some of *blocks*, from the one at *at* on.

        These are events as they came, without the blank line. Returns also how many were taken;
        after none, the next one is for :meth:`take`.
        """


class EventStreamScrubber:
    """Take vLLM's event stream, give an event stream that holds no personal data.

    The texts of its output, joined, depend neither on how the bytes are cut into reads nor on how
    the model's words are cut into events. Raises what *rebuilder* raises, ``ScrubFailed`` for
    bytes that are no event stream, and at :meth:`finish` ``UpstreamUnavailable`` if the stream had
    no proper end; from then on always.
    """

    __slots__ = ("_failure", "_parser", "_rebuilder")

    def __init__(
        self, rebuilder: EventRebuilder, *, max_event_bytes: int = MAX_EVENT_BYTES
    ) -> None:
        self._rebuilder = rebuilder
        self._parser = EventParser(max_event_bytes=max_event_bytes)
        self._failure: type[SealgateError] | None = None

    def feed(self, data: bytes) -> bytes:
        """Accept the next *data*; return the events that are safe to send, often none."""
        if self._failure is not None:
            raise self._failure
        # Dead until proven otherwise: whatever goes wrong in here, nothing more comes out.
        self._failure = ScrubFailed
        try:
            safe = self._take(data)
        except SealgateError as error:
            self._failure = type(error)
            raise
        self._failure = None
        return safe

    def _take(self, data: bytes) -> bytes:
        parser, rebuilder = self._parser, self._rebuilder
        blocks = parser.cut(data)
        if not blocks:
            return b"".join(map(rebuilder.take, parser.read_on(data)))
        safe: list[bytes] = []
        at = 0
        while at < len(blocks):
            said, taken = rebuilder.take_ordinary(blocks, at)
            if not taken:
                said, taken = b"".join(map(rebuilder.take, parser.read(blocks[at]))), 1
            safe.append(said)
            at += taken
        return b"".join(safe)

    def finish(self) -> bytes:
        """End the stream: nothing is left to send, since its last event brought out all."""
        if self._failure is not None:
            raise self._failure
        self._failure = UpstreamUnavailable
        self._parser.finish()
        if not self._rebuilder.is_done:
            raise UpstreamUnavailable
        self._failure = None
        return b""
