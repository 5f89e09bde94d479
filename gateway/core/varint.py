"""Variable-length integers as QUIC defines them, for the framing of Binary HTTP and chunked OHTTP.

A reader sees only the bytes that have arrived, so an integer that is not complete yet is no error
here: the caller knows whether more can come. Encodings longer than needed are read, as RFC 9292
§3 allows, and never written.
"""

from __future__ import annotations

from typing import Final

MAX_VARINT: Final = (1 << 62) - 1


def encode_varint(value: int) -> bytes:
    """Return the shortest encoding of *value* (RFC 9000 §16).

    Raises ``ValueError`` for a negative value or one above 2**62 - 1.
    """
    if not 0 <= value <= MAX_VARINT:
        raise ValueError(f"{value} does not fit a variable-length integer")
    if value < 0x40:
        return value.to_bytes(1, "big")
    if value < 0x4000:
        return (value | 0x4000).to_bytes(2, "big")
    if value < 0x4000_0000:
        return (value | 0x8000_0000).to_bytes(4, "big")
    return (value | 0xC000_0000_0000_0000).to_bytes(8, "big")


def find_varint(buffer: bytes | bytearray, start: int = 0) -> tuple[int, int] | None:
    """Return the integer at *start* and the offset after it, or None while bytes are missing."""
    if start >= len(buffer):
        return None
    first = buffer[start]
    size = 1 << (first >> 6)
    end = start + size
    if end > len(buffer):
        return None
    value = int.from_bytes(buffer[start:end], "big") & ((1 << (8 * size - 2)) - 1)
    return value, end
