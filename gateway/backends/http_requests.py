"""Reads the requests of one connection: bytes go in, whole heads and pieces of bodies come out.

The request line is checked on its own bytes, the rest is httptools with all its strictness and the
rules of ``core.request_head``. One request at a time: another that begins before the last was
answered is an error, and so is every trailer (RFC 9110 §6.5.1). After an error nothing is read.
"""

from __future__ import annotations

from typing import Final, Protocol

import httptools

from gateway.core.errors import MalformedRequest, SealgateError
from gateway.core.head_errors import HeadTooLarge
from gateway.core.request_head import (
    MAX_HEAD_BYTES,
    MAX_HEADERS,
    MAX_LINE_BYTES,
    HeadFacts,
    RequestLine,
    parse_request_line,
    verify_headers,
)

Headers = list[tuple[bytes, bytes]]

_AROUND_HEADER: Final = 4  # colon, space, CR, LF
_MAX_RAW_HEAD_BYTES: Final = MAX_HEAD_BYTES + 2 * _AROUND_HEADER * MAX_HEADERS
"""Of headers that have no end yet, with some room for padding."""
_MAX_FRAME_BYTES: Final = 16_384
"""Of what has come beyond heads and content: padding, chunk sizes and extensions. Content brings as
much again, so that ordinary chunks never add up to it."""


class RequestSink(Protocol):
    """What takes a request, in this order: its head, pieces of its body, its end."""

    def take_head(self, line: RequestLine, headers: Headers, facts: HeadFacts) -> None:
        """Take a whole head, which may pass."""

    def take_body(self, piece: bytes) -> None:
        """Take a piece of the body."""

    def take_end(self) -> None:
        """Learn that the request is whole."""


class RequestReader:
    """A sans-IO parser for one connection."""

    def __init__(self, sink: RequestSink) -> None:
        self._sink = sink
        self._parser = httptools.HttpRequestParser(self)
        self._start = b""  # of a request line that is not whole
        self._line: RequestLine | None = None
        self._headers: Headers = []
        self._frame_bytes = 0
        self._is_begun = self._is_head = self._is_whole = False

    @property
    def is_reading(self) -> bool:
        """Whether a request has begun and is not whole."""
        return bool(self._start) or (self._line is not None and not self._is_whole)

    def close(self) -> None:
        """Let go of parser and sink; nothing may be fed after this.

        Each makes a cycle of this object, and what hangs on a cycle waits for the collector: of a
        connection that is over that would be all of its TLS state.
        """
        del self._parser, self._sink

    def next_request(self) -> None:
        """Let the next request begin: the last one is answered."""
        self._line, self._is_begun, self._is_whole = None, False, False

    def feed(self, data: bytes) -> None:
        """Read *data*.

        Raises the ``SealgateError`` that says why nothing more can be read from this connection;
        ``MalformedRequest`` also when a request begins too early.
        """
        if self._line is None:
            data = self._read_line(data)
        if not data:
            return
        self._frame_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserCallbackError as error:
            # What a callback of ours raised; or, httptools being what it is, a bug of ours.
            cause = error.__context__
            raise cause if isinstance(cause, SealgateError) else error from None
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            raise MalformedRequest from None
        if self._is_head and self._frame_bytes > _MAX_RAW_HEAD_BYTES:
            raise HeadTooLarge
        if not self._is_head and self._frame_bytes > _MAX_FRAME_BYTES:
            raise MalformedRequest("The body has more frames than content.")

    def _read_line(self, data: bytes) -> bytes:
        """Return what the parser is to read once the request line is whole and good."""
        data = self._start + data if self._start else data.lstrip(b"\r\n")  # RFC 9112 §2.2
        end = data.find(b"\n") + 1
        if end == 0 and len(data) <= MAX_LINE_BYTES:
            self._start = data
            return b""
        self._start = b""
        self._line = parse_request_line(data[:end] if end else data)
        self._headers, self._frame_bytes = [], -end
        return data

    def on_message_begin(self) -> None:
        """Begin a request, unless there is one already."""
        if self._is_begun:
            raise MalformedRequest("A request must wait for the answer to the last one.")
        self._is_begun = self._is_head = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; refuse a trailer."""
        if not self._is_head:
            raise MalformedRequest("Trailers are not read here.")
        self._headers.append((name.lower(), value))
        if len(self._headers) > MAX_HEADERS:
            raise HeadTooLarge

    def on_headers_complete(self) -> None:
        """Verify the head and hand it on."""
        assert self._line is not None  # nothing is fed before there is one
        facts = verify_headers(self._headers, version=self._line.version)
        size = sum(len(name) + len(value) for name, value in self._headers)
        if size > MAX_HEAD_BYTES:
            raise HeadTooLarge
        self._frame_bytes -= size + _AROUND_HEADER * len(self._headers)
        self._is_head = False
        self._sink.take_head(self._line, self._headers, facts)

    def on_body(self, piece: bytes) -> None:
        """Hand a piece of the body on."""
        self._frame_bytes -= 2 * len(piece)  # once for itself, once for the frame it may have
        self._sink.take_body(piece)

    def on_message_complete(self) -> None:
        """Say that the request is whole."""
        self._is_whole = True
        self._sink.take_end()
