"""Binary HTTP responses, written and read as streams."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.bhttp_response import (
    Response,
    ResponseDecoder,
    ResponseEncoder,
    encode_response,
    parse_response,
)
from gateway.core.errors import MalformedRequest

HEADERS = ((b"content-type", b"text/event-stream"), (b"x-request-id", b"1"))
PIECES = [b"data: 1\n\n", b"data: [DONE]\n\n"]


def streamed(pieces: list[bytes], **end) -> bytes:
    """Return a whole streamed response."""
    encoder = ResponseEncoder(200, HEADERS)
    return encoder.head + b"".join(map(encoder.feed, pieces)) + encoder.finish(**end)


@given(st.lists(st.binary(max_size=90), max_size=5), st.integers(1, 40), st.integers(0, 30))
def test_stream_round_trip(pieces, size, padding_bytes):
    """A streamed response is read back however the bytes are cut."""
    data = streamed(pieces, trailers=((b"x-end", b"1"),), padding_bytes=padding_bytes)
    decoder = ResponseDecoder()
    body = b"".join(decoder.feed(data[at : at + size]) for at in range(0, len(data), size))
    assert decoder.finish() == decoder.head
    assert (decoder.head.status, decoder.head.headers) == (200, HEADERS)
    assert (body, decoder.trailers) == (b"".join(pieces), ((b"x-end", b"1"),))


@given(st.integers(200, 599), st.binary(max_size=90), st.integers(1, 64))
def test_known_length_round_trip(status, body, pad_to_bytes):
    """A whole response is read back, with any padding."""
    response = Response(status, HEADERS, body, ((b"x-end", b"1"),))
    encoded = encode_response(response, pad_to_bytes=pad_to_bytes)
    assert len(encoded) % pad_to_bytes == 0
    assert parse_response(encoded) == response


def test_each_piece_at_once():
    """Head and content are there as soon as their bytes are, half a content chunk too."""
    encoder, decoder = ResponseEncoder(200, HEADERS), ResponseDecoder()
    assert decoder.feed(encoder.head[:-1]) == b""
    assert decoder.head is None
    decoder.feed(encoder.head[-1:])
    assert decoder.head.status == 200
    assert encoder.feed(b"") == b""
    chunk = encoder.feed(PIECES[0])
    assert decoder.feed(chunk[:5]) + decoder.feed(chunk[5:]) == PIECES[0]


@pytest.mark.parametrize("form", ["known", "indeterminate"])
def test_every_truncation(form):
    """A response that stops inside a part is refused; one that stops before empty parts is not."""
    body = b"".join(PIECES)
    whole = encode_response(Response(200, HEADERS, body)) if form == "known" else streamed(PIECES)
    head_bytes = whole.index(body[:4]) - 1
    may_end = {3, head_bytes, len(whole) - 1}
    for end in range(len(whole)):
        if end in may_end:
            assert parse_response(whole[:end]).status == 200
        else:
            with pytest.raises(MalformedRequest):
                parse_response(whole[:end])


def test_interim_answers():
    """Interim answers are passed over, but not endlessly, and none is the last."""
    interim = b"\x40\x67\x00"
    assert parse_response(b"\x03" + interim * 8 + b"\x40\xc8\x00\x00\x00").status == 200
    for data in (interim * 9, interim, b"\x40\x67", b"\x40\x67\x06\x01A\x01b\x00" + b"\x40\xc8"):
        with pytest.raises(MalformedRequest):
            parse_response(b"\x03" + data)


@pytest.mark.parametrize(
    "data",
    [
        "00",
        "02",
        "04",
        "0140c700",  # 199 is no final status
        "0130",
        "03425800",  # 600
        "0140c80001780001",
        "0140c8000101580000" + "00" * 3 + "01",
        "0340c8" + "04486f73740161" + "00",
        "0340c8" + "0a636f6e6e656374696f6e0161" + "00",
    ],
)
def test_refusals(data):
    """A request, an impossible status, an unsafe field or non-zero padding is refused."""
    with pytest.raises(MalformedRequest):
        parse_response(bytes.fromhex(data))


@given(st.binary(max_size=120), st.sampled_from([b"", b"\x01", b"\x03", streamed(PIECES)[:30]]))
def test_any_bytes(data, start):
    """Any bytes are a response or are refused with the one documented error."""
    with contextlib.suppress(MalformedRequest):
        assert 200 <= parse_response(start + data).status <= 599


def test_spent_after_an_error_and_the_end():
    """After a refusal and after the end nothing more is read."""
    decoder = ResponseDecoder()
    with pytest.raises(MalformedRequest):
        decoder.feed(b"\x00")
    with pytest.raises(MalformedRequest):
        decoder.feed(b"")
    decoder = ResponseDecoder()
    decoder.feed(streamed([]))
    decoder.finish()
    with pytest.raises(MalformedRequest):
        decoder.finish()


def test_content_length():
    """A content-length that disagrees with the content is refused, except with 304."""
    length = ((b"content-length", b"5"),)
    assert parse_response(encode_response(Response(200, length, b"12345"))).body == b"12345"
    with pytest.raises(MalformedRequest):
        encode_response(Response(200, length, b"1234"))
    with pytest.raises(MalformedRequest):
        parse_response(ResponseEncoder(200, length).head)
    assert parse_response(ResponseEncoder(304, length).head).status == 304


@pytest.mark.parametrize(("status", "headers"), [(199, ()), (600, ()), (200, ((b"Server", b"x"),))])
def test_encoder_refuses_what_the_decoder_would(status, headers):
    """No response leaves that its reader would refuse."""
    with pytest.raises(MalformedRequest):
        ResponseEncoder(status, headers)
    with pytest.raises(MalformedRequest):
        encode_response(Response(status, headers))
    with pytest.raises(MalformedRequest):
        ResponseEncoder(200, ()).finish(trailers=((b"host", b"x"),))


@given(st.lists(st.binary(max_size=90), max_size=4), st.integers(0, 30))
def test_both_encoders_agree(pieces, padding_bytes):
    """A response written in both forms is read as the same response."""
    trailers = ((b"x-end", b"1"),)
    whole = Response(200, HEADERS, b"".join(pieces), trailers)
    data = streamed(pieces, trailers=trailers, padding_bytes=padding_bytes)
    assert parse_response(data) == parse_response(encode_response(whole)) == whole


@given(st.integers(0, 8), st.integers(1, 30))
def test_interim_answers_in_both_forms(count, size):
    """Interim answers with fields are passed over in both forms, however the bytes are cut."""
    whole = encode_response(Response(200, HEADERS, b"x"))
    known = b"\x01" + b"\x40\x67\x06\x04link\x00" * count + whole[1:]
    indeterminate = b"\x03" + b"\x40\x67\x04link\x00\x00" * count + streamed([b"x"])[1:]
    for data in (known, indeterminate):
        decoder = ResponseDecoder()
        body = b"".join(decoder.feed(data[at : at + size]) for at in range(0, len(data), size))
        assert (decoder.finish().headers, body) == (HEADERS, b"x")


def test_truncation_that_would_hide_content():
    """A response that announces content and stops before it is refused (RFC 9292 §3.8)."""
    whole = encode_response(Response(200, ((b"content-length", b"2"),), b"ab"))
    assert parse_response(whole).body == b"ab"
    with pytest.raises(MalformedRequest):
        parse_response(whole[: whole.index(b"ab") - 1])
