"""Binary HTTP responses (RFC 9292): written and read while they stream.

The writer uses the indeterminate-length form, so that each piece leaves at once; the reader takes
both forms and any cutting of the bytes. Neither knows whether the bytes are authentic: that is the
business of the sealing around them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from gateway.core.bhttp_fields import (
    DEFAULT_LIMITS,
    FieldLimits,
    FieldReader,
    Fields,
    Incomplete,
    check_content_length,
    check_fields,
    check_padding,
    check_trailers,
    encode_content_chunk,
    encode_end,
    encode_fields,
    parse_indeterminate_length_fields,
    parse_known_length_fields,
)
from gateway.core.errors import MalformedRequest
from gateway.core.varint import encode_varint

KNOWN_LENGTH_RESPONSE: Final = 1
INDETERMINATE_LENGTH_RESPONSE: Final = 3

_END: Final = b"\x00"
_LOWEST_STATUS: Final = 100
_LOWEST_FINAL_STATUS: Final = 200
_HIGHEST_STATUS: Final = 599
_NOT_MODIFIED: Final = 304
_MAX_INTERIM: Final = 8
"""Interim answers before the final one: enough for any server, no endless stream of them."""


@dataclass(frozen=True, slots=True)
class ResponseHead:
    """A final status (200 to 599) and the header fields, names in lower case."""

    status: int
    headers: Fields = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Response:
    """One whole HTTP response."""

    status: int
    headers: Fields = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)
    trailers: Fields = field(default=(), repr=False)


class ResponseEncoder:
    """Write one streamed response: send ``head``, then what ``feed()`` and ``finish()`` return.

    Raises ``MalformedRequest`` for a status or a field that :class:`ResponseDecoder` would refuse.
    A ``content-length`` among *headers* is the caller's promise; it is not checked here.
    """

    def __init__(self, status: int, headers: Fields) -> None:
        _check_head(status, headers)
        control = bytes((INDETERMINATE_LENGTH_RESPONSE,)) + encode_varint(status)
        self.head: bytes = control + encode_fields(headers) + _END

    def feed(self, data: bytes) -> bytes:
        """Return *data* as one content chunk, or nothing for no data."""
        return encode_content_chunk(data)

    def finish(self, *, trailers: Fields = (), padding_bytes: int = 0) -> bytes:
        """Return the end of the content, the *trailers* and that many zero bytes."""
        return encode_end(trailers, padding_bytes=padding_bytes)


def encode_response(response: Response, *, pad_to_bytes: int = 1) -> bytes:
    """Return a whole *response* in the known-length form, zero-padded to a multiple.

    Raises ``MalformedRequest`` for a response that :func:`parse_response` would refuse.
    """
    _check_head(response.status, response.headers)
    check_trailers(response.trailers)
    check_content_length(response.headers, content_bytes=len(response.body))
    parts = [bytes((KNOWN_LENGTH_RESPONSE,)), encode_varint(response.status)]
    sections = (encode_fields(response.headers), response.body, encode_fields(response.trailers))
    for section in sections:
        parts += (encode_varint(len(section)), section)
    encoded = b"".join(parts)
    return encoded + bytes(-len(encoded) % pad_to_bytes)


def parse_response(data: bytes, *, limits: FieldLimits = DEFAULT_LIMITS) -> Response:
    """Return the response that *data* holds exactly, or raise ``MalformedRequest``."""
    decoder = ResponseDecoder(limits=limits)
    body = decoder.feed(data)
    head = decoder.finish()
    return Response(head.status, head.headers, body, decoder.trailers)


class ResponseDecoder:
    """Read one response while it arrives, in either form.

    ``feed()`` returns content; ``head`` is set as soon as it is known, ``trailers`` with
    ``finish()``. Interim answers (1xx) are read and dropped. Every refusal is ``MalformedRequest``,
    after which the object is spent.
    """

    def __init__(self, *, limits: FieldLimits = DEFAULT_LIMITS) -> None:
        self._limits = limits
        self._buffer = bytearray()
        self._step = self._read_framing
        self._is_indeterminate = False
        self._is_spent = False
        self._may_end = False
        self._interim_count = 0
        self._content_left = 0
        self._content_bytes = 0
        self._status = 0
        self.head: ResponseHead | None = None
        """Status and headers, or None while they have not all arrived."""
        self.trailers: Fields = ()

    def feed(self, data: bytes) -> bytes:
        """Accept the next bytes; return the content among them."""
        if self._is_spent:
            raise MalformedRequest("The message is over or was refused.")
        self._is_spent = True  # until this call has succeeded
        self._buffer += data
        content = b"".join(self._read_available())
        self._is_spent = False
        return content

    def finish(self) -> ResponseHead:
        """Return the head of the now complete response; raise when it was cut short."""
        self.feed(b"")
        self._is_spent = True
        if not self._may_end or self._buffer:
            raise MalformedRequest("The message is cut short.")
        head = self.head or self._accept_head(())
        # A 304 announces the length that a 200 would have had (RFC 9110 §8.6).
        if head.status != _NOT_MODIFIED:
            check_content_length(head.headers, content_bytes=self._content_bytes)
        return head

    def _read_available(self) -> Iterator[bytes]:
        try:
            while True:
                reader = FieldReader(self._buffer)
                content = self._step(reader)
                del self._buffer[: reader.offset]
                yield content
        except Incomplete:
            return

    # The steps, in the order of the message. Each reads one part and names the next; a message may
    # stop where all that would follow is empty (RFC 9292 §3.8).

    def _read_framing(self, reader: FieldReader) -> bytes:
        framing = reader.read_integer()
        if framing not in {KNOWN_LENGTH_RESPONSE, INDETERMINATE_LENGTH_RESPONSE}:
            raise MalformedRequest("The message is not a response.")
        self._is_indeterminate = framing == INDETERMINATE_LENGTH_RESPONSE
        self._step = self._read_status
        return b""

    def _read_status(self, reader: FieldReader) -> bytes:
        status = reader.read_integer()
        if not _LOWEST_STATUS <= status <= _HIGHEST_STATUS:
            raise MalformedRequest("The status is not allowed.")
        self._status = status
        self._may_end = status >= _LOWEST_FINAL_STATUS
        self._step = self._read_headers
        return b""

    def _read_headers(self, reader: FieldReader) -> bytes:
        headers = self._read_fields(reader)
        if self._status < _LOWEST_FINAL_STATUS:
            check_fields(headers)
            self._interim_count += 1
            if self._interim_count > _MAX_INTERIM:
                raise MalformedRequest("There are too many interim responses.")
            self._step = self._read_status
        else:
            self._accept_head(headers)
            self._step = self._read_content_length
        return b""

    def _read_content_length(self, reader: FieldReader) -> bytes:
        self._content_left = reader.read_integer()
        self._may_end = not self._content_left
        self._step = self._read_content if self._content_left else self._read_trailers
        return b""

    def _read_content(self, reader: FieldReader) -> bytes:
        content = reader.read_some(self._content_left)
        self._content_left -= len(content)
        self._content_bytes += len(content)
        if not self._content_left:
            self._may_end = not self._is_indeterminate
            self._step = (
                self._read_content_length if self._is_indeterminate else self._read_trailers
            )
        return content

    def _read_trailers(self, reader: FieldReader) -> bytes:
        trailers = self._read_fields(reader)
        check_trailers(trailers)
        self.trailers = trailers
        self._step = self._read_padding
        return b""

    def _read_padding(self, reader: FieldReader) -> bytes:
        check_padding(reader.read_some(len(self._buffer)))
        return b""

    def _read_fields(self, reader: FieldReader) -> Fields:
        if self._is_indeterminate:
            return parse_indeterminate_length_fields(reader, limits=self._limits)
        return parse_known_length_fields(reader, limits=self._limits)

    def _accept_head(self, headers: Fields) -> ResponseHead:
        _check_head(self._status, headers)
        self.head = ResponseHead(self._status, headers)
        return self.head


def _check_head(status: int, headers: Fields) -> None:
    if not _LOWEST_FINAL_STATUS <= status <= _HIGHEST_STATUS:
        raise MalformedRequest("The status is not allowed.")
    check_fields(headers)
