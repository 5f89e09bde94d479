"""The head of an HTTP/1 request: what of it may reach an application.

Refused is whatever two servers in a row could read as two different requests, whatever only
proxies, tunnels and other protocols have a use for, and whatever costs more than a head may.
Refusals say what is wrong in words of ours and repeat nothing of the head.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple
from urllib.parse import unquote_to_bytes

from gateway.core.bhttp_fields import SINGLE_FIELDS
from gateway.core.errors import MalformedRequest, UnsupportedMediaType
from gateway.core.head_errors import ExpectationFailed, HeadTooLarge, TargetTooLong

MAX_LINE_BYTES: Final = 8192
"""Of a request line; RFC 9112 §3 asks for 8000 at least."""
MAX_HEADERS: Final = 100
MAX_HEAD_BYTES: Final = 16_384
"""Of the names and values of all headers together."""

Headers = Sequence[tuple[bytes, bytes]]
"""Names in lower case, and values."""

# RFC 9112 §3 with one spelling: one space, a target that is a path, CR LF. HTTP/1.0 is what nginx
# speaks to us unless told otherwise. ``;`` begins parameters for some servers, a backslash is a
# slash for others. RFC 3986 lets a query have fewer characters than browsers put into it.
_LINE: Final = re.compile(
    rb"([A-Z]{1,32}) (/[A-Za-z0-9\-._~!$&'()*+,=:@%/]*+)(?:\?([!$-;=?-\[\]-~]*+))?+"
    rb" HTTP/(1\.[01])\r\n"
)
_NOT_SERVED: Final = frozenset({b"CONNECT", b"TRACE"})

_ESCAPE: Final = re.compile(rb"%(..?)?")
_NEVER_ESCAPED: Final = re.compile(rb"[\x00-\x1f\x7f\\;%A-Za-z0-9\-._~]")
_DOTS_OR_NOTHING: Final = frozenset({b"", b".", b".."})

_HOST: Final = re.compile(rb"(?:[A-Za-z0-9._~-]++|\[[0-9A-Fa-f:.]++\])(?::[0-9]{1,5})?+")
_LENGTH: Final = re.compile(rb"[0-9]{1,18}")
_OWS: Final = b" \t"  # RFC 9110 §5.6.3; around a value it means nothing
# Any other option would have a proxy take the header of that name away (RFC 9110 §7.6.1).
_CONNECTION_OPTIONS: Final = frozenset({b"close", b"keep-alive", b"te"})
_SINGLE: Final = SINGLE_FIELDS | {b"content-encoding", b"expect", b"transfer-encoding"}
_LOOKED_AT: Final = _SINGLE | {b"connection", b"upgrade"}


class RequestLine(NamedTuple):
    """Method, path and query as they came; *query* is empty also where there is none.

    *version* is ``1.1`` or ``1.0``.
    """

    method: str
    path: bytes
    query: bytes
    version: str


class HeadFacts(NamedTuple):
    """What the headers say about the connection."""

    keep_alive: bool
    waits_for_continue: bool


def parse_request_line(line: bytes) -> RequestLine:
    """Return what *line*, with its CR LF, asks for.

    The path is in the normal form of RFC 3986 §6.2.2, also when its escapes are undone: a proxy
    that normalises it has seen the same path. Raises ``MalformedRequest``, or ``TargetTooLong`` for
    a line of more than 8192 bytes.
    """
    if len(line) > MAX_LINE_BYTES:
        raise TargetTooLong
    match = _LINE.fullmatch(line)
    if match is None or match[1] in _NOT_SERVED:
        raise MalformedRequest("The request line is not one of HTTP/1.1 with a plain path.")
    method, path, query, version = match.groups()
    if b"%" in path or b"//" in path or b"/." in path:
        _verify_normal(path)
    return RequestLine(method.decode("ascii"), path, query or b"", version.decode("ascii"))


def verify_headers(headers: Headers, *, version: str = "1.1") -> HeadFacts:
    """Return what *headers* say about the connection, if all of them may pass.

    In HTTP/1.0 that is little: no chunks, no waiting, one request. Raises ``MalformedRequest``,
    ``HeadTooLarge`` for their number, ``ExpectationFailed`` for another expectation than
    ``100-continue``, ``UnsupportedMediaType`` for a compressed body.
    """
    if len(headers) > MAX_HEADERS:
        raise HeadTooLarge
    found: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in _LOOKED_AT:
            if name in found:
                found[name] = _join(name, found[name], value)
            else:
                found[name] = value.strip(_OWS)
        elif b"_" in name:  # CGI and its heirs read it as the header with a hyphen
            raise MalformedRequest("A header has an underscore in its name.")
    facts = _verify_found(found)
    if version == "1.1":
        return facts
    if b"transfer-encoding" in found:
        raise MalformedRequest("HTTP/1.0 has no transfer codings.")
    return HeadFacts(keep_alive=False, waits_for_continue=False)


def _verify_normal(path: bytes) -> None:
    for escape in _ESCAPE.finditer(path):
        digits = escape[1]
        if digits is None or digits != digits.upper() or not _is_hex(digits):
            raise MalformedRequest("An escape in the path is not in its normal form.")
        if _NEVER_ESCAPED.match(bytes.fromhex(digits.decode("ascii"))):
            raise MalformedRequest("The path has an escaped character that must not be escaped.")
    *inner, last = unquote_to_bytes(path).split(b"/")[1:]
    if not _DOTS_OR_NOTHING.isdisjoint(inner) or last in {b".", b".."}:
        raise MalformedRequest("The path is not in its normal form.")


def _is_hex(digits: bytes) -> bool:
    return len(digits) == 2 and all(digit in b"0123456789ABCDEF" for digit in digits)


def _join(name: bytes, before: bytes, value: bytes) -> bytes:
    if name in _SINGLE:
        raise MalformedRequest("A header that must be single comes twice.")
    return before + b"," + value


def _verify_found(found: dict[bytes, bytes]) -> HeadFacts:
    if not _HOST.fullmatch(found.get(b"host", b"")):
        raise MalformedRequest("There is no valid Host header.")
    if b"upgrade" in found:
        raise MalformedRequest("No other protocol than HTTP/1.1 is spoken here.")
    _verify_framing(found.get(b"content-length"), found.get(b"transfer-encoding"))
    coding = found.get(b"content-encoding", b"identity")
    if coding.lower() != b"identity":
        raise UnsupportedMediaType("The body must not be compressed.")
    expected = found.get(b"expect")
    if expected is not None and expected.lower() != b"100-continue":
        raise ExpectationFailed
    return HeadFacts(_keeps_alive(found), waits_for_continue=expected is not None)


def _verify_framing(length: bytes | None, coding: bytes | None) -> None:
    if length is not None and (coding is not None or not _LENGTH.fullmatch(length)):
        raise MalformedRequest("The length of the body is ambiguous.")
    if coding is not None and coding.lower() != b"chunked":
        raise MalformedRequest("The only transfer coding is chunked.")


def _keeps_alive(found: dict[bytes, bytes]) -> bool:
    if b"connection" not in found:
        return True
    options = {option.strip(_OWS).lower() for option in found[b"connection"].split(b",")} - {b""}
    if not options <= _CONNECTION_OPTIONS:
        raise MalformedRequest("A header is named as one of the connection, or another protocol.")
    return b"close" not in options
