"""Padding: exact lengths, and nothing of it reaches an application."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai._streaming import SSEDecoder

from gateway.core.bhttp import Request, encode_request, parse_request
from gateway.core.padding import pad_events, pad_request_bytes
from gateway.core.sse import EventParser, encode_event

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=400)
PIECES = st.lists(TEXTS.map(lambda text: encode_event(text.encode())), max_size=4).map(b"".join)


@given(PIECES, st.integers(1, 600))
def test_exact_length_and_same_events(piece, bucket_bytes):
    """Any piece becomes a multiple of any bucket, and readers see the same events in it."""
    padded = pad_events(piece, bucket_bytes=bucket_bytes)
    assert len(padded) % bucket_bytes == 0
    assert padded.startswith(piece)
    assert len(padded) < len(piece) + bucket_bytes + 4
    assert EventParser().feed(padded * 2) == EventParser().feed(piece * 2)


@given(st.lists(PIECES, max_size=4))
def test_the_openai_library_ignores_it(pieces):
    """The stream decoder of the openai package yields the same events with and without padding."""
    plain, padded = (
        [event.data for event in SSEDecoder().iter_bytes(iter(stream))]
        for stream in (pieces, [pad_events(piece) for piece in pieces])
    )
    assert plain == padded


@given(st.integers(1, 600), st.integers(1, 300))
def test_filler_depends_on_the_length_alone(size, bucket_bytes):
    """Two pieces of the same length get the same filler, whatever is in them."""
    one, other = (encode_event(letter * size) for letter in (b"a", b"\xc3"))
    filler = pad_events(one, bucket_bytes=bucket_bytes)[len(one) :]
    assert filler == pad_events(other, bucket_bytes=bucket_bytes)[len(other) :]
    assert re.fullmatch(rb"(: 0*\n\n)?", filler)


def test_one_size_for_all_short_events():
    """Events of one to fifty letters cannot be told apart by their size."""
    assert {len(pad_events(encode_event(b"x" * size))) for size in range(1, 51)} == {256}


def test_off_and_nothing_to_pad():
    """A bucket of one byte changes nothing, and an empty piece stays empty."""
    assert pad_events(b"data: x\n\n", bucket_bytes=1) == b"data: x\n\n"
    assert pad_events(b"") == b""
    assert pad_events(b"data: 1234567890\n\n", bucket_bytes=9) == b"data: 1234567890\n\n"


@pytest.mark.parametrize("piece", [b"data: x\n", b"data: x", b"x"])
def test_stops_inside_an_event(piece):
    """A piece that stops inside an event is refused: the comment would become part of it."""
    with pytest.raises(ValueError, match="complete"):
        pad_events(piece)


@pytest.mark.parametrize("bucket_bytes", [0, -256])
def test_impossible_bucket(bucket_bytes):
    """A bucket below one byte is refused."""
    for pad in (pad_events, pad_request_bytes):
        with pytest.raises(ValueError, match="bucket"):
            pad(b"data: x\n\n", bucket_bytes=bucket_bytes)


@given(st.binary(max_size=3000))
def test_request(body):
    """A padded request fills its bucket, equals what the encoder pads, and reads the same."""
    request = Request(b"POST", b"/", body=body)
    padded = pad_request_bytes(encode_request(request))
    assert len(padded) % 1024 == 0
    assert padded == encode_request(request, pad_to_bytes=1024)
    assert parse_request(padded) == request
