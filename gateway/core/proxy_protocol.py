"""The PROXY protocol, versions 1 and 2: who called a proxy that passes TCP on as it comes.

The proxy writes one header before the first byte of the client. Source: "The PROXY protocol",
haproxy.org, sections 2.1 and 2.2. Stricter than it in three points: a header that names no TCP
address (``UNKNOWN``, ``AF_UNSPEC``, Unix sockets, datagrams) is refused, since the address of the
proxy must not stand in for a client's; texts have one spelling only; and a header of version 2 has
at most 536 bytes, which is what every receiver must be able to take.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from gateway.core.errors import MalformedRequest
from gateway.core.identity import Address, unmapped

MAX_V1_BYTES: Final = 107
MAX_V2_BYTES: Final = 536

_V1_START: Final = b"PROXY TCP"
_V2_START: Final = b"\r\n\r\n\x00\r\nQUIT\n"
_FIXED_BYTES: Final = 16  # of version 2 before the addresses; each header of version 1 has more
_V1_SPACES: Final = 5
_LOCAL: Final = 0x20
_PROXY: Final = 0x21
_TCP4: Final = 0x11
_TCP6: Final = 0x21
_ADDRESS_BYTES: Final = {_TCP4: 4, _TCP6: 16}
_PORT: Final = rb"(0|[1-9][0-9]{0,4})"
_V1: Final = re.compile(
    rb"PROXY TCP(?:4 ([0-9.]+) ([0-9.]+)|6 ([0-9A-Fa-f:.]+) ([0-9A-Fa-f:.]+)) "
    + _PORT + rb" " + _PORT + rb"\r\n"
)  # fmt: skip
# Up to five words, one space after each, and a beginning of the next; or all six and their CR.
_V1_BEGUN: Final = re.compile(rb"(?:[^ \r\n]+ ){0,5}[^ \r\n]*|(?:[^ \r\n]+ ){5}[^ \r\n]+\r")


@dataclass(frozen=True, slots=True)
class ProxyHeader:
    """Who called the proxy: address and port, or None when the proxy speaks for itself."""

    source: tuple[Address, int] | None


class ProxyHeaderParser:
    """Reads one header in whatever pieces it arrives, and not a byte of what follows it.

    Whoever reads from the connection asks for *wanted_bytes* at most: that many are certain to
    belong to the header, so the client's first bytes stay where they are.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()

    @property
    def wanted_bytes(self) -> int:
        """How many more bytes belong to the header for certain; 0 when it is complete."""
        size = len(self._buffer)
        if size < _FIXED_BYTES:
            return _FIXED_BYTES - size
        if self._buffer.startswith(_V2_START):
            return _FIXED_BYTES + int.from_bytes(self._buffer[14:16], "big") - size
        return self._wanted_of_line()

    def feed(self, data: bytes) -> ProxyHeader | None:
        """Accept *data*, at most *wanted_bytes* of it; return the header once it is complete.

        Raises ``MalformedRequest`` as soon as no valid header can come of it; the parser must not
        be used any more then.
        """
        if len(data) > self.wanted_bytes:
            raise ValueError("more than was wanted")
        buffer = self._buffer
        buffer += data
        if _starts_like(buffer, _V1_START):
            return self._read_line()
        if not _starts_like(buffer, _V2_START):
            raise MalformedRequest
        if len(buffer) < _FIXED_BYTES:
            return None
        if len(buffer) + self.wanted_bytes > MAX_V2_BYTES:
            raise MalformedRequest
        return _parse_v2(bytes(buffer)) if self.wanted_bytes == 0 else None

    def _wanted_of_line(self) -> int:
        """Count what the shortest end of a line of version 1 has: spaces, fields, CR and LF."""
        buffer = self._buffer
        if buffer.endswith(b"\n"):
            return 0
        if buffer.endswith(b"\r"):
            return 1
        begun = not buffer.endswith(b" ")
        return 2 * (_V1_SPACES - buffer.count(b" ")) + (2 if begun else 3)

    def _read_line(self) -> ProxyHeader | None:
        buffer = self._buffer
        if buffer.endswith(b"\r\n"):
            return _parse_v1(bytes(buffer))
        # In this order: of a line that is out of shape the shortest end cannot be counted.
        if not _V1_BEGUN.fullmatch(buffer) or len(buffer) + self.wanted_bytes > MAX_V1_BYTES:
            raise MalformedRequest
        return None


def _starts_like(buffer: bytearray, start: bytes) -> bool:
    return start.startswith(buffer[: len(start)])


def _parse_v1(line: bytes) -> ProxyHeader:
    match = _V1.fullmatch(line)
    if match is None:
        raise MalformedRequest
    source4, destination4, source6, destination6, *ports = (
        (group or b"").decode("ascii") for group in match.groups()
    )
    try:
        source: Address
        if source4:
            source, _ = IPv4Address(source4), IPv4Address(destination4)
        else:
            source, _ = IPv6Address(source6), IPv6Address(destination6)
    except ValueError:
        raise MalformedRequest from None
    port, destination_port = map(int, ports)
    if max(port, destination_port) > 0xFFFF:
        raise MalformedRequest
    return ProxyHeader((unmapped(source), port))


def _parse_v2(header: bytes) -> ProxyHeader:
    command, family = header[12], header[13]
    if command == _LOCAL:
        return ProxyHeader(None)  # what follows is to be skipped, whatever it is
    size = _ADDRESS_BYTES.get(family)
    if command != _PROXY or size is None:
        raise MalformedRequest
    ports_at = _FIXED_BYTES + 2 * size
    ports = header[ports_at : ports_at + 4]
    if len(ports) != 4:
        raise MalformedRequest
    _verify_extensions(header[ports_at + 4 :])
    packed = header[_FIXED_BYTES : _FIXED_BYTES + size]
    source = IPv4Address(packed) if family == _TCP4 else IPv6Address(packed)
    return ProxyHeader((unmapped(source), int.from_bytes(ports[:2], "big")))


def _verify_extensions(data: bytes) -> None:
    """Check that the type-length-value fields fill *data* exactly. None of them is read."""
    while data:
        end = 3 + int.from_bytes(data[1:3], "big")
        if len(data) < end:
            raise MalformedRequest
        data = data[end:]
