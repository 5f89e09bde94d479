"""Binary HTTP requests (RFC 9292): one whole request to bytes and back.

Written and read in both forms, known-length and indeterminate-length. A parsed request is safe to
route and to pass on: what HTTP parsers are known to disagree about is refused with
``MalformedRequest``, and no refusal repeats what the peer sent. Size limits of the content belong
to the sealing around it.
"""

from __future__ import annotations

import re
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

KNOWN_LENGTH_REQUEST: Final = 0
INDETERMINATE_LENGTH_REQUEST: Final = 2

_MAX_CONTROL_BYTES: Final = 8192
# Each chunk costs about two microseconds, whatever is in it, before anybody is known. Who streams a
# body sends pieces of some size; a body of tiny chunks is there to keep the gateway busy.
_FREE_CHUNKS: Final = 1024
_MIN_MEAN_CHUNK_BYTES: Final = 1024
_METHOD: Final = re.compile(rb"[A-Z]{1,16}")
_SCHEMES: Final = frozenset({b"https", b"http"})
_AUTHORITY: Final = re.compile(rb"[A-Za-z0-9.\-_~\[\]:]*")  # no user information, no escapes
_PATH: Final = re.compile(rb"/[!-~]*")  # printable ASCII without spaces


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request. *path* includes the query; header names are in lower case.

    ``repr`` shows neither headers nor content, which hold the token and the prompt.
    """

    method: bytes
    path: bytes
    scheme: bytes = b"https"
    authority: bytes = b""
    headers: Fields = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)
    trailers: Fields = field(default=(), repr=False)

    @property
    def host(self) -> bytes:
        """The authority, or else the ``host`` field, or empty: what an allowlist checks."""
        return self.authority or dict(self.headers).get(b"host", b"")


def encode_request(request: Request, *, pad_to_bytes: int = 1) -> bytes:
    """Return *request* in the known-length form, zero-padded to a multiple of *pad_to_bytes*.

    Raises ``MalformedRequest`` for a request that :func:`parse_request` would refuse.
    """
    _check_request(request)
    parts = [_encode_control(KNOWN_LENGTH_REQUEST, request)]
    for section in (encode_fields(request.headers), request.body, encode_fields(request.trailers)):
        parts += (encode_varint(len(section)), section)
    encoded = b"".join(parts)
    return encoded + bytes(-len(encoded) % pad_to_bytes)


class RequestEncoder:
    """Write one request by parts: send ``head``, then what ``feed()`` and ``finish()`` return.

    For content whose length is not known yet (RFC 9292 §3.2). Content and trailers of *request*
    itself must be empty (``ValueError``); ``MalformedRequest`` is raised for a request that
    :func:`parse_request` would refuse.
    """

    def __init__(self, request: Request) -> None:
        if request.body or request.trailers:
            raise ValueError("content and trailers come by feed() and finish()")
        _check_head(request)
        self._headers = request.headers
        self._content_bytes = 0
        control = _encode_control(INDETERMINATE_LENGTH_REQUEST, request)
        self.head: bytes = control + encode_fields(request.headers) + b"\x00"

    def feed(self, data: bytes) -> bytes:
        """Return *data* as one content chunk, or nothing for no data."""
        self._content_bytes += len(data)
        return encode_content_chunk(data)

    def finish(self, *, trailers: Fields = (), padding_bytes: int = 0) -> bytes:
        """Return the end of the content, the *trailers* and that many zero bytes.

        Raises ``MalformedRequest`` when the content is not as long as announced.
        """
        check_content_length(self._headers, content_bytes=self._content_bytes)
        return encode_end(trailers, padding_bytes=padding_bytes)


def parse_request(data: bytes, *, limits: FieldLimits = DEFAULT_LIMITS) -> Request:
    """Return the request that *data* holds, in either form (RFC 9292 §3.1, §3.2).

    Raises ``MalformedRequest`` for anything that is not exactly one request, for ``CONNECT``, for
    another sealed message inside, and for fields that :mod:`gateway.core.bhttp_fields` refuses.
    """
    reader = FieldReader(data)
    try:
        request = _read_request(reader, limits)
    except Incomplete:
        raise MalformedRequest("The message is cut short.") from None
    check_padding(reader.read_rest())
    _check_request(request)
    return request


def _read_request(reader: FieldReader, limits: FieldLimits) -> Request:
    framing = reader.read_integer()
    if framing not in {KNOWN_LENGTH_REQUEST, INDETERMINATE_LENGTH_REQUEST}:
        raise MalformedRequest("The message is not a request.")
    method, scheme, authority, path = (
        reader.read_string(max_bytes=_MAX_CONTROL_BYTES) for _ in range(4)
    )
    if framing == KNOWN_LENGTH_REQUEST:
        headers, body, trailers = _read_known_length(reader, limits)
    else:
        headers, body, trailers = _read_indeterminate_length(reader, limits)
    return Request(
        method=method,
        path=path,
        scheme=scheme,
        authority=authority,
        headers=headers,
        body=body,
        trailers=trailers,
    )


# A message may stop where all that would follow is empty (RFC 9292 §3.8), hence `is_at_end`.


def _read_known_length(reader: FieldReader, limits: FieldLimits) -> tuple[Fields, bytes, Fields]:
    headers = () if reader.is_at_end else parse_known_length_fields(reader, limits=limits)
    body = b"" if reader.is_at_end else reader.read_bytes(reader.read_integer())
    trailers = () if reader.is_at_end else parse_known_length_fields(reader, limits=limits)
    return headers, body, trailers


def _read_indeterminate_length(
    reader: FieldReader, limits: FieldLimits
) -> tuple[Fields, bytes, Fields]:
    headers = () if reader.is_at_end else parse_indeterminate_length_fields(reader, limits=limits)
    chunks: list[bytes] = []
    if not reader.is_at_end:
        body_bytes = 0
        while length := reader.read_integer():
            chunks.append(reader.read_bytes(length))
            body_bytes += length
            if body_bytes < (len(chunks) - _FREE_CHUNKS) * _MIN_MEAN_CHUNK_BYTES:
                raise MalformedRequest("The content comes in pieces that are too small.")
    trailers = () if reader.is_at_end else parse_indeterminate_length_fields(reader, limits=limits)
    return headers, b"".join(chunks), trailers


def _encode_control(framing: int, request: Request) -> bytes:
    parts = [bytes((framing,))]
    for text in (request.method, request.scheme, request.authority, request.path):
        parts += (encode_varint(len(text)), text)
    return b"".join(parts)


def _check_request(request: Request) -> None:
    _check_head(request)
    check_trailers(request.trailers)
    check_content_length(request.headers, content_bytes=len(request.body))


def _check_head(request: Request) -> None:
    if _METHOD.fullmatch(request.method) is None or request.method == b"CONNECT":
        raise MalformedRequest("The method is not allowed.")
    if request.scheme not in _SCHEMES or _AUTHORITY.fullmatch(request.authority) is None:
        raise MalformedRequest("The scheme or the authority is not allowed.")
    if _PATH.fullmatch(request.path) is None or b"#" in request.path or b"\\" in request.path:
        raise MalformedRequest("The path is not allowed.")
    check_fields(request.headers)
    named = dict(request.headers)
    host = named.get(b"host")
    if host is not None and (
        _AUTHORITY.fullmatch(host) is None or (request.authority and host != request.authority)
    ):
        raise MalformedRequest("The authority and the host field disagree.")
    if named.get(b"content-type", b"").lower().startswith(b"message/ohttp"):
        raise MalformedRequest("A sealed message inside a sealed message is not allowed.")
