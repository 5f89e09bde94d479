"""Stage 7: seal the answer for the client that asked, one chunk for each piece of the stream.

A sealed answer is Binary HTTP of indeterminate length (RFC 9292 §3.2) inside chunked OHTTP: one
scrubbed piece, one content chunk, one sealed chunk, so that tokens leave as they come. Only
``finish`` writes the final chunk; an answer that ends without it is visibly cut.
"""

from __future__ import annotations

from typing import NamedTuple

from gateway.core.bhttp_response import ResponseEncoder
from gateway.core.ohttp import RESPONSE_MEDIA_TYPE, ResponseSealer
from gateway.pipeline.exchange import Headers, Opened

_INNER_HEADERS: tuple[tuple[bytes, bytes], ...] = ((b"cache-control", b"no-store"),)
_OUTER_HEADERS = (
    (b"content-type", RESPONSE_MEDIA_TYPE.encode()),
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
    """One answer on its way out. *started* is True once a head has been made."""

    def __init__(self) -> None:
        self.started = False

    def head(self, status: int, content_type: str) -> Head:
        """Return the head of an answer with *status* and *content_type*."""
        self.started = True
        return Head(status, (_content_type(content_type), *_INNER_HEADERS), b"")

    def feed(self, data: bytes) -> bytes:
        """Return *data* in the form in which it goes over the wire."""
        return data

    def finish(self) -> bytes:
        """Return what ends a complete answer."""
        return b""


class SealedReply(Reply):
    """An answer that only the client that sealed the request can read."""

    def __init__(self, sealer: ResponseSealer) -> None:
        super().__init__()
        self._sealer = sealer
        self._encoder: ResponseEncoder  # made with the head

    def head(self, status: int, content_type: str) -> Head:
        """Return an outer 200 whose first chunk holds the real status and fields."""
        self.started = True
        self._encoder = ResponseEncoder(status, (_content_type(content_type), *_INNER_HEADERS))
        return Head(200, _OUTER_HEADERS, self._sealer.feed(self._encoder.head))

    def feed(self, data: bytes) -> bytes:
        """Return *data* as one content chunk in one sealed chunk."""
        return self._sealer.feed(self._encoder.feed(data))

    def finish(self) -> bytes:
        """Return the final chunk, which tells the client that nothing is missing."""
        return self._sealer.finish(self._encoder.finish())


def encapsulate(opened: Opened) -> Reply:
    """Return the reply that matches how the request came: sealed or clear."""
    if opened.response_sealer is None:
        return Reply()
    return SealedReply(opened.response_sealer)


def _content_type(value: str) -> tuple[bytes, bytes]:
    return b"content-type", value.encode("ascii")
