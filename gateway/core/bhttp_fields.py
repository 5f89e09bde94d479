"""Field sections of Binary HTTP (RFC 9292 §3.6), under the strict rules of both directions.

Whatever two parsers could read differently is refused instead of mended: upper-case names, control
characters, padding around values, pseudo-fields, fields of one connection, repeated fields that
have to be single. All refusals are ``MalformedRequest``; none repeats what the peer sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from gateway.core.errors import MalformedRequest
from gateway.core.varint import encode_varint, find_varint

Fields = tuple[tuple[bytes, bytes], ...]
"""Names in lower case and values, in the order in which they were sent."""

HOP_BY_HOP_FIELDS: Final = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"transfer-encoding",
        b"upgrade",
    }
)
"""Fields that speak about one connection and mean nothing inside a sealed message."""

SINGLE_FIELDS: Final = frozenset(
    {
        b"authorization",
        b"content-length",
        b"content-type",
        b"date",
        b"dpop",
        b"host",
        b"idempotency-key",
    }
)
"""Fields of which a second one is an attempt to show different values to different readers."""

# RFC 9110 §6.5.1: a trailer must not change how the message is framed, routed or authenticated.
_NEVER_TRAILERS: Final = SINGLE_FIELDS | {b"content-encoding", b"content-range", b"set-cookie"}

_END: Final = b"\x00"
_NAME: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9a-z]+")
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_DIGITS: Final = re.compile(rb"[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class FieldLimits:
    """How many field lines a section may have, and how many bytes (names and values)."""

    max_count: int = 100
    max_bytes: int = 16384


DEFAULT_LIMITS: Final = FieldLimits()


class Incomplete(Exception):
    """More bytes are needed. Only between the parsers of this package; never reaches a caller."""


class FieldReader:
    """A position in a buffer that may still grow; every method raises ``Incomplete`` at its end."""

    __slots__ = ("_data", "offset")

    def __init__(self, data: bytes | bytearray, offset: int = 0) -> None:
        self._data = data
        self.offset = offset

    @property
    def is_at_end(self) -> bool:
        """Whether no byte is left."""
        return self.offset >= len(self._data)

    def read_integer(self) -> int:
        """Return the next variable-length integer."""
        found = find_varint(self._data, self.offset)
        if found is None:
            raise Incomplete
        value, self.offset = found
        return value

    def read_bytes(self, length: int) -> bytes:
        """Return exactly the next *length* bytes."""
        end = self.offset + length
        if end > len(self._data):
            raise Incomplete
        start, self.offset = self.offset, end
        return bytes(self._data[start:end])

    def read_some(self, length: int) -> bytes:
        """Return the next bytes, at least one and at most *length*."""
        if self.is_at_end:
            raise Incomplete
        return self.read_bytes(min(length, len(self._data) - self.offset))

    def read_string(self, *, max_bytes: int) -> bytes:
        """Return the next length-prefixed string; ``MalformedRequest`` if it is too long."""
        length = self.read_integer()
        if length > max_bytes:
            raise MalformedRequest("A part of the message is too long.")
        return self.read_bytes(length)

    def read_rest(self) -> bytes:
        """Return all that is left."""
        return self.read_bytes(len(self._data) - self.offset)


def encode_fields(fields: Fields) -> bytes:
    """Return the field lines without a length or a terminator."""
    parts: list[bytes] = []
    for name, value in fields:
        parts += (encode_varint(len(name)), name, encode_varint(len(value)), value)
    return b"".join(parts)


def encode_content_chunk(data: bytes) -> bytes:
    """Return one piece of indeterminate-length content (RFC 9292 §3.7), nothing for no data.

    An empty chunk would be the end of the content.
    """
    return encode_varint(len(data)) + data if data else b""


def encode_end(trailers: Fields, *, padding_bytes: int) -> bytes:
    """Return the end of indeterminate-length content, the trailer section and that many zeros.

    Raises ``MalformedRequest`` for a field that has to be known before the content.
    """
    check_trailers(trailers)
    return _END + encode_fields(trailers) + _END + bytes(padding_bytes)


def parse_known_length_fields(reader: FieldReader, *, limits: FieldLimits) -> Fields:
    """Return a section that starts with its length (RFC 9292 §3.6, known-length form)."""
    section = FieldReader(reader.read_string(max_bytes=limits.max_bytes + 16 * limits.max_count))
    fields: list[tuple[bytes, bytes]] = []
    budget = limits.max_bytes
    try:
        while not section.is_at_end:
            name = section.read_string(max_bytes=budget)
            value = section.read_string(max_bytes=budget - len(name))
            budget -= len(name) + len(value)
            _append(fields, name, value=value, limits=limits)
    except Incomplete:
        raise MalformedRequest("A field section has a wrong length.") from None
    return tuple(fields)


def parse_indeterminate_length_fields(reader: FieldReader, *, limits: FieldLimits) -> Fields:
    """Return a section that ends with a zero byte (RFC 9292 §3.6, indeterminate-length form)."""
    fields: list[tuple[bytes, bytes]] = []
    budget = limits.max_bytes
    while name := reader.read_string(max_bytes=budget):
        value = reader.read_string(max_bytes=budget - len(name))
        budget -= len(name) + len(value)
        _append(fields, name, value=value, limits=limits)
    return tuple(fields)


def check_fields(fields: Iterable[tuple[bytes, bytes]]) -> None:
    """Refuse a header section that is not safe to act on or to pass on."""
    seen: set[bytes] = set()
    for name, value in fields:
        _check_field(name, value)
        if name in SINGLE_FIELDS and name in seen:
            raise MalformedRequest("A field that must be single occurs twice.")
        seen.add(name)


def check_trailers(fields: Iterable[tuple[bytes, bytes]]) -> None:
    """Refuse a trailer section with a field that has to be known before the content."""
    for name, value in fields:
        _check_field(name, value)
        if name in _NEVER_TRAILERS:
            raise MalformedRequest("A field is not allowed after the content.")


def check_content_length(fields: Fields, *, content_bytes: int) -> None:
    """Refuse a ``content-length`` that is no plain number or disagrees with the content."""
    for name, value in fields:
        if name == b"content-length" and (
            _DIGITS.fullmatch(value) is None or int(value) != content_bytes
        ):
            raise MalformedRequest("The content has another length than announced.")


def check_padding(padding: bytes) -> None:
    """Refuse padding that holds anything but zeros (RFC 9292 §3.8)."""
    if padding.strip(b"\x00"):
        raise MalformedRequest("Something follows the end of the message.")


def _append(
    fields: list[tuple[bytes, bytes]], name: bytes, *, value: bytes, limits: FieldLimits
) -> None:
    if len(fields) >= limits.max_count:
        raise MalformedRequest("The message has too many fields.")
    fields.append((name, value))


def _check_field(name: bytes, value: bytes) -> None:
    # Pseudo-fields and upper case fall here too: neither ":" nor A-Z is in the pattern.
    if _NAME.fullmatch(name) is None:
        raise MalformedRequest("A field name is not allowed.")
    if name in HOP_BY_HOP_FIELDS:
        raise MalformedRequest("A field of one connection is not allowed inside a message.")
    if _CONTROL.search(value) is not None or value != value.strip(b" \t"):
        raise MalformedRequest("A field value is not allowed.")
