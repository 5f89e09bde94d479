"""PROXY headers as proxies write them."""

from __future__ import annotations

import struct

from gateway.core.identity import Address

V2_START = b"\r\n\r\n\x00\r\nQUIT\n"


def v1(source: Address, port: int = 4711) -> bytes:
    """Return the line of version 1 for a client at *source*."""
    destination = "192.0.2.99" if source.version == 4 else "2001:db8::99"
    return f"PROXY TCP{source.version} {source} {destination} {port} 443\r\n".encode()


def v2(source: Address, port: int = 4711, *, extensions: bytes = b"") -> bytes:
    """Return the header of version 2 for a client at *source*."""
    family = 0x11 if source.version == 4 else 0x21
    addresses = source.packed + bytes(len(source.packed)) + struct.pack("!HH", port, 443)
    return v2_raw(0x21, family, addresses + extensions)


def v2_raw(command: int, family: int, rest: bytes) -> bytes:
    """Return a header of version 2 with these fields."""
    return V2_START + struct.pack("!BBH", command, family, len(rest)) + rest


LOCAL = v2_raw(0x20, 0x00, b"")
