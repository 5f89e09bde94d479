"""Images in requests."""

import base64
import struct
from typing import Any

import pytest

from gateway.core.errors import MalformedRequest, SealgateError, UnsupportedParameter
from gateway.core.requests.fields import Exact
from gateway.core.requests.media import MAX_PIXELS, data_url, verify_image


def chunk(kind: bytes, data: bytes = b"") -> bytes:
    """Return a chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + b"crc!"


def ihdr(width: int, height: int) -> bytes:
    """Return the chunk that says the size of a PNG."""
    return chunk(b"IHDR", struct.pack(">II", width, height) + b"\x08\x02\x00\x00\x00")


def png(width: int, height: int, *, more: bytes = b"") -> bytes:
    """Return a PNG without a pixel, with *more* in its head."""
    pixels = chunk(b"IDAT", b"x") + chunk(b"IEND")
    return b"\x89PNG\r\n\x1a\n" + ihdr(width, height) + chunk(b"tEXt", b"ab") + more + pixels


def frame(width: int, height: int) -> bytes:
    """Return the segment that says the size of a JPEG."""
    return b"\xff\xc2\x00\x0b\x08" + struct.pack(">HH", height, width) + b"\x01\x01\x11\x00"


def jpeg(width: int, height: int, *, more: bytes = b"") -> bytes:
    """Return a JPEG without a pixel, with *more* behind its frame."""
    scan = b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00"
    return b"\xff\xd8\xff\xe0\x00\x04ab" + frame(width, height) + more + scan


def url(data: bytes, media_type: str = "image/png") -> str:
    """Return *data* as a data URL."""
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"


def test_images_in_the_request_pass() -> None:
    """They are no text: nothing in them is masked."""
    for given in (url(png(9, 9)), url(jpeg(4096, 4096), "image/jpeg")):
        assert data_url("url", given) == given
        assert type(data_url("url", given)) is Exact


@pytest.mark.parametrize(
    "given",
    [
        5,
        "",
        "https://canary.example/a.png",
        "http:\\canary.example",
        "file:///etc/canary",
        "data:image/svg+xml;base64,AAAA",
        "data:image/png,canary",
        " " + url(png(1, 1)),
        url(png(1, 1))[:-1],
        url(png(1, 1)) + "\n",
        url(b"GIF89a"),
        url(png(1, 1)[:20]),
        url(png(1, 1), "image/jpeg"),
        url(jpeg(1, 1)),
        url(jpeg(1, 1)[:12], "image/jpeg"),
        url(jpeg(1, 1)[:-10], "image/jpeg"),
        url(b"\xff\xd8" + b"\xff\xe0\x00\x00" * 5000, "image/jpeg"),
        "data:image/png;base64,é",
    ],
)
def test_everything_else_is_refused(given: Any) -> None:
    """Addresses, other types, what is not what it says; nothing is repeated."""
    with pytest.raises(SealgateError) as caught:
        data_url("url", given)
    assert "canary" not in caught.value.detail


def test_an_address_is_not_supported() -> None:
    """It is refused as what it is, for everybody."""
    with pytest.raises(UnsupportedParameter, match="data URL"):
        data_url("url", "https://example.com/a.png")


@pytest.mark.parametrize(("width", "height"), [(MAX_PIXELS + 1, 1), (0, 9), (2**31, 2**31)])
def test_a_picture_is_not_larger_than_it_looks(width: int, height: int) -> None:
    """A few bytes may say that they are a picture of any size."""
    with pytest.raises(MalformedRequest, match="pixels"):
        verify_image("image/png", base64.b64encode(png(width, height)).decode())


@pytest.mark.parametrize(
    ("media_type", "data"),
    [
        ("image/png", png(9, 9, more=ihdr(60_000, 60_000))),
        ("image/png", png(9, 9, more=chunk(b"tEXt") * 1000)),
        ("image/jpeg", jpeg(9, 9, more=frame(60_000, 60_000))),
        ("image/jpeg", jpeg(9, 9, more=b"\xff" + frame(60_000, 60_000))),
        ("image/jpeg", jpeg(9, 9, more=b"\xff\x01" + frame(60_000, 60_000))),
        ("image/jpeg", jpeg(9, 9, more=b"\x00" + frame(60_000, 60_000))),
    ],
)
def test_a_picture_says_its_size_once(media_type: str, data: bytes) -> None:
    """Decoders believe the last of several sizes, and pass over what is no segment."""
    with pytest.raises(MalformedRequest, match="is no"):
        verify_image(media_type, base64.b64encode(data).decode())
