"""Stage 7: seal the answer for the client that asked, one chunk for each piece of the stream.

A sealed answer is Binary HTTP of indeterminate length (RFC 9292 §3.2) inside OHTTP: one scrubbed
piece, one content chunk, one sealed chunk, so that tokens leave as they come. Only ``finish``
writes the final chunk; an answer that ends without it is visibly cut. Pieces are padded to buckets,
which makes their sizes say less about the tokens inside (``core.padding`` says what that is worth).
"""

from __future__ import annotations

from datetime import datetime
from email.utils import format_datetime
from typing import NamedTuple

from gateway.core.bhttp_response import ResponseEncoder
from gateway.core.padding import EVENT_BUCKET_BYTES, pad_events, pad_request_bytes
from gateway.core.ports import Clock
from gateway.pipeline.exchange import Headers, Opened, Seal, WholeAnswer

_EVENT_STREAM = "text/event-stream"
_INNER_HEADERS: tuple[tuple[bytes, bytes], ...] = ((b"cache-control", b"no-store"),)
_OUTER_HEADERS = (
    # A proxy that stores, re-codes or collects the answer would break streaming or keep ciphertext.
    (b"cache-control", b"private, no-store, no-transform"),
    (b"x-accel-buffering", b"no"),
    (b"incremental", b"?1"),
)


class Head(NamedTuple):
    """What goes out first: the outer status and fields, and the bytes that follow them."""

    status: int
    headers: Headers
    data: bytes


class Reply:
    """One answer on its way out, in the clear.

    *started* is True once a head has been made, *takes_events* while an event may be appended: a
    stream that is under way and stands between two events.
    """

    def __init__(self, now: datetime) -> None:
        self.started = False
        self.takes_events = False
        # Inside the seal too: a client whose clock is wrong learns the right time from it.
        self._date = (b"date", format_datetime(now, usegmt=True).encode("ascii"))

    def head(self, status: int, content_type: str, headers: Headers = ()) -> Head:
        """Return the head of an answer whose pieces follow through :meth:`feed`."""
        self._start(content_type)
        return Head(status, (_content_type(content_type), *_INNER_HEADERS, *headers), b"")

    def feed(self, data: bytes) -> bytes:
        """Return *data* in the form in which it goes over the wire."""
        return data

    def finish(self) -> bytes:
        """Return what ends a complete answer."""
        self.takes_events = False
        return b""

    def whole(self, answer: WholeAnswer) -> Head:
        """Return the head of an answer that is there at once, with all of it as its data."""
        head = self.head(answer.status, answer.content_type, answer.headers)
        self.takes_events = False
        return head._replace(data=answer.body)

    def _start(self, content_type: str) -> None:
        self.started = True
        self.takes_events = content_type == _EVENT_STREAM


class SealedReply(Reply):
    """An answer that only the client that sealed the request can read."""

    def __init__(self, seal: Seal, now: datetime, *, event_bucket_bytes: int) -> None:
        super().__init__(now)
        self._sealer = seal.response_sealer
        self._outer = (_content_type(seal.profile.response_media_type), *_OUTER_HEADERS)
        self._event_bucket_bytes = event_bucket_bytes
        self._bucket_bytes = 1
        self._encoder: ResponseEncoder  # made with the head

    def head(self, status: int, content_type: str, headers: Headers = ()) -> Head:
        """Return an outer 200 whose first chunk holds the real status and fields."""
        return Head(200, self._outer, self._sealer.feed(self._begin(status, content_type, headers)))

    def feed(self, data: bytes) -> bytes:
        """Return *data*, padded if it is of a stream, as one content chunk in one sealed chunk."""
        padded = pad_events(data, bucket_bytes=self._bucket_bytes)
        return self._sealer.feed(self._encoder.feed(padded))

    def finish(self) -> bytes:
        """Return the final chunk, which tells the client that nothing is missing."""
        self.takes_events = False
        return self._sealer.finish(self._encoder.finish())

    def whole(self, answer: WholeAnswer) -> Head:
        """Return an outer 200 and the complete sealed answer, padded as one message."""
        message = self._begin(answer.status, answer.content_type, answer.headers)
        message += self._encoder.feed(answer.body) + self._encoder.finish()
        self.takes_events = False
        return Head(200, self._outer, self._sealer.finish(pad_request_bytes(message)))

    def _begin(self, status: int, content_type: str, headers: Headers) -> bytes:
        self._start(content_type)
        if self.takes_events:
            self._bucket_bytes = self._event_bucket_bytes
        fields = (_content_type(content_type), self._date, *_INNER_HEADERS, *headers)
        self._encoder = ResponseEncoder(status, fields)
        return self._encoder.head


class Encapsulate:
    """Makes the reply that matches how a request came."""

    def __init__(self, clock: Clock, *, event_bucket_bytes: int = EVENT_BUCKET_BYTES) -> None:
        self._clock = clock
        self._event_bucket_bytes = event_bucket_bytes

    def __call__(self, opened: Opened) -> Reply:
        """Return a sealed reply to a sealed request, a clear one to a clear request."""
        if opened.seal is None:
            return self.clear()
        bucket_bytes = self._event_bucket_bytes
        return SealedReply(opened.seal, self._clock(), event_bucket_bytes=bucket_bytes)

    def clear(self) -> Reply:
        """Return a reply to a request that could not be opened."""
        return Reply(self._clock())


def _content_type(value: str) -> tuple[bytes, bytes]:
    return b"content-type", value.encode("ascii")
