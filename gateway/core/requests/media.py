"""Images inside a request, as data of its own: PNG and JPEG in base64.

An address is refused for everybody, since the model server would fetch it. Of an image its size is
read from its head, for a few kilobytes can hold a picture that fills the memory of the server.
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

_PNG: Final = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
_JPEG: Final = b"\xff\xd8"
_LONGEST_HEAD: Final = 1000  # segments of a JPEG before its frame; cameras write some dozen
# The frames of a JPEG (ITU-T T.81 table B.1): C4, C8 and CC are other segments.
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


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
    width, height = _png_size(data) if media_type == MEDIA_TYPES[0] else _jpeg_size(data)
    if not 0 < width * height <= MAX_PIXELS:
        raise MalformedRequest(f"An image has at most {MAX_PIXELS} pixels.")


def _png_size(data: bytes) -> tuple[int, int]:
    if not data.startswith(_PNG) or len(data) < len(_PNG) + 8:
        raise MalformedRequest("The image is no PNG.")
    width, height = struct.unpack_from(">II", data, len(_PNG))
    return width, height


def _jpeg_size(data: bytes) -> tuple[int, int]:
    at = len(_JPEG)
    if data.startswith(_JPEG):
        for _ in range(_LONGEST_HEAD):
            segment = data[at : at + 9]
            if len(segment) < 9 or segment[0] != 0xFF:
                break
            if segment[1] in _FRAMES:
                height, width = struct.unpack_from(">HH", segment, 5)
                return width, height
            at += 2 + int.from_bytes(segment[2:4])
    raise MalformedRequest("The image is no JPEG.")
