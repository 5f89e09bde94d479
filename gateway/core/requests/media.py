"""Images inside a request, as data of its own: PNG and JPEG in base64.

An address is refused for everybody, since the model server would fetch it. Of an image its size is
read from its head, for a few kilobytes can hold a picture that fills the memory of the server. The
head is read to where the pixels begin and must give one size: of two, decoders believe the last.
"""

from __future__ import annotations

import binascii
import re
import struct
from typing import Any, Final

from gateway.core.errors import MalformedRequest, UnsupportedParameter
from gateway.core.requests.fields import Exact, malformed

MAX_PIXELS: Final = 4096 * 4096
MEDIA_TYPES: Final = ("image/png", "image/jpeg")
_DATA_URL: Final = re.compile("data:(image/png|image/jpeg);base64,")

_PNG: Final = b"\x89PNG\r\n\x1a\n"
_PNG_SIZE: Final = b"IHDR"
_PNG_PIXELS: Final = b"IDAT"
_JPEG: Final = b"\xff\xd8"
_LONGEST_HEAD: Final = 1000  # chunks or segments before the pixels; cameras write some dozen
# The frames of a JPEG (ITU-T T.81 table B.1): C4, C8 and CC are other segments.
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_SCAN: Final = 0xDA
# Markers with a length behind them. Without one, or filled up by FF, they have no place in a head,
# and decoders pass over them in different ways.
_SEGMENTS: Final = frozenset(range(0xC0, 0xFF)) - frozenset(range(0xD0, 0xDA))


def data_url(name: str, value: Any) -> Any:
    """Accept a PNG or JPEG as a data URL (RFC 2397) in base64."""
    if not isinstance(value, str):
        raise malformed(name, "a data URL")
    head = _DATA_URL.match(value)
    if head is None:
        raise UnsupportedParameter(
            f"The field '{name}' must be a data URL of a PNG or JPEG in base64."
        )
    verify_image(head[1], value[head.end() :])
    return Exact(value)


def verify_image(media_type: str, encoded: str) -> None:
    """Raise ``MalformedRequest`` unless *encoded* is an image of this type, of limited size."""
    try:
        data = binascii.a2b_base64(encoded.encode("ascii"), strict_mode=True)
    except (binascii.Error, UnicodeEncodeError):
        raise MalformedRequest("The image is not in base64.") from None
    is_png = media_type == MEDIA_TYPES[0]
    sizes = _png_sizes(data) if is_png else _jpeg_sizes(data)
    if sizes is None or len(sizes) != 1:
        raise MalformedRequest(f"The image is no {'PNG' if is_png else 'JPEG'}.")
    width, height = sizes[0]
    if not 0 < width * height <= MAX_PIXELS:
        raise MalformedRequest(f"An image has at most {MAX_PIXELS} pixels.")


def _png_sizes(data: bytes) -> list[tuple[int, int]] | None:
    """Return the sizes in the head of a PNG; None if it is none."""
    sizes: list[tuple[int, int]] = []
    at = len(_PNG)
    if data.startswith(_PNG):
        for _ in range(_LONGEST_HEAD):
            chunk = data[at : at + 16]
            kind = chunk[4:8]
            if kind == _PNG_PIXELS:
                return sizes
            if len(chunk) < 16:
                break
            if kind == _PNG_SIZE:
                width, height = struct.unpack_from(">II", chunk, 8)
                sizes.append((width, height))
            at += 12 + int.from_bytes(chunk[:4])
    return None


def _jpeg_sizes(data: bytes) -> list[tuple[int, int]] | None:
    """Return the sizes in the head of a JPEG; None if it is none."""
    sizes: list[tuple[int, int]] = []
    at = len(_JPEG)
    if data.startswith(_JPEG):
        for _ in range(_LONGEST_HEAD):
            segment = data[at : at + 9]
            if len(segment) < 9 or segment[0] != 0xFF or segment[1] not in _SEGMENTS:
                break
            if segment[1] == _SCAN:
                return sizes
            if segment[1] in _FRAMES:
                height, width = struct.unpack_from(">HH", segment, 5)
                sizes.append((width, height))
            at += 2 + int.from_bytes(segment[2:4])
    return None
