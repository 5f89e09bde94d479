"""Binary HTTP requests."""

import contextlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.bhttp import Request, RequestEncoder, encode_request, parse_request
from gateway.core.bhttp_fields import encode_fields
from gateway.core.errors import MalformedRequest
from gateway.core.varint import encode_varint

CHAT = Request(
    method=b"POST",
    path=b"/v1/chat/completions?stream=1",
    authority=b"gateway.example:8443",
    headers=((b"content-type", b"application/json"), (b"authorization", b"Bearer canary")),
    body=b'{"prompt":"canary"}',
)


def raw(request: Request, framing: int = 0) -> bytes:
    """Encode without any check, so that refusals of the parser can be seen."""
    control = (request.method, request.scheme, request.authority, request.path)
    parts = [bytes([framing])] + [encode_varint(len(text)) + text for text in control]
    headers, trailers = encode_fields(request.headers), encode_fields(request.trailers)
    if framing == 0:
        sections = (headers, request.body, trailers)
        parts += [encode_varint(len(section)) + section for section in sections]
    else:
        half = len(request.body) // 2
        chunks = [chunk for chunk in (request.body[:half], request.body[half:]) if chunk]
        parts += [headers + b"\x00"]
        parts += [encode_varint(len(chunk)) + chunk for chunk in chunks]
        parts += [b"\x00" + trailers + b"\x00"]
    return b"".join(parts)


VALUES = st.binary(max_size=30).map(lambda value: bytes(b for b in value if b > 0x20 and b != 0x7F))
NAMES = st.from_regex(rb"x-[a-z0-9]{1,12}", fullmatch=True)
FIELDS = st.lists(st.tuples(NAMES, VALUES), max_size=5).map(tuple)
REQUESTS = st.builds(
    Request,
    method=st.sampled_from([b"GET", b"POST", b"DELETE"]),
    path=st.from_regex(rb"/[a-z0-9/?=&%]{0,40}", fullmatch=True),
    authority=st.sampled_from([b"", b"gateway.example", b"[::1]:8443"]),
    headers=FIELDS,
    body=st.binary(max_size=300),
    trailers=FIELDS,
)


@given(REQUESTS, st.integers(1, 1024))
def test_round_trip(request, pad_to_bytes):
    """What is encoded is parsed back in both forms, with any padding."""
    encoded = encode_request(request, pad_to_bytes=pad_to_bytes)
    assert len(encoded) % pad_to_bytes == 0
    assert parse_request(encoded) == request
    assert parse_request(raw(request, framing=2)) == request


@given(st.binary(max_size=120), st.sampled_from([b"", b"\x00", b"\x02", encode_request(CHAT)[:40]]))
def test_any_bytes(data, start):
    """Any bytes are a request or are refused with the one documented error."""
    with contextlib.suppress(MalformedRequest):
        assert parse_request(start + data).method


@pytest.mark.parametrize("framing", [0, 2])
def test_every_truncation(framing):
    """A message may stop only where nothing but empty parts would follow (RFC 9292 §3.8)."""
    whole = raw(CHAT, framing)
    head = replace(CHAT, headers=(), body=b"")
    allowed = {
        len(raw(head, framing)) - 3: head,
        len(raw(replace(CHAT, body=b""), framing)) - 2: replace(CHAT, body=b""),
        len(whole) - 1: CHAT,
    }
    for end in range(len(whole)):
        if end in allowed:
            assert parse_request(whole[:end]) == allowed[end]
        else:
            with pytest.raises(MalformedRequest):
                parse_request(whole[:end])


@pytest.mark.parametrize(
    "change",
    [
        {"method": b"CONNECT"},
        {"method": b"get"},
        {"method": b""},
        {"method": b"GET /"},
        {"scheme": b"file"},
        {"scheme": b""},
        {"authority": b"user@gateway.example"},
        {"authority": b"gateway.example/x"},
        {"authority": b"gateway.example\r\n"},
        {"path": b""},
        {"path": b"*"},
        {"path": b"v1/models"},
        {"path": b"https://elsewhere.example/"},
        {"path": b"/v1/models HTTP/1.1"},
        {"path": b"/v1/models\r\nx: y"},
        {"path": b"/v1/models\x00"},
        {"path": b"/v1/models#x"},
        {"path": b"/v1\\models"},
        {"path": b"/\xc3\xa4"},
        {"path": b"/" + b"a" * 8192},
        {"headers": ((b"host", b"other.example"),)},
        {"headers": ((b"host", b"a b"),), "authority": b""},
        {"headers": ((b"transfer-encoding", b"chunked"),)},
        {"headers": ((b"authorization", b"a"), (b"authorization", b"b"))},
        {"headers": ((b"content-length", b"3"),)},
        {"headers": ((b"content-type", b"Message/OHTTP-chunked-req"),)},
        {"headers": ((b"X-Upper", b"a"),)},
        {"trailers": ((b"authorization", b"a"),)},
    ],
)
def test_refusals(change):
    """What could be smuggled, rerouted or read twice is refused by the parser and the encoder."""
    request = replace(CHAT, **change)
    if len(request.path) < 8192:
        with pytest.raises(MalformedRequest):
            encode_request(request)
    for framing in (0, 2):
        with pytest.raises(MalformedRequest) as caught:
            parse_request(raw(request, framing))
        assert "canary" not in str(caught.value)


def test_accepted_variants():
    """A host field alone, an agreeing host and an agreeing content-length are accepted."""
    assert parse_request(raw(replace(CHAT, authority=b"", headers=((b"host", b"a"),)))).host == b"a"
    agreeing = ((b"host", CHAT.authority), (b"content-length", b"19"))
    assert parse_request(raw(replace(CHAT, headers=agreeing))).host == CHAT.authority
    assert Request(b"GET", b"/").host == b""


@pytest.mark.parametrize("framing", [1, 3, 4, 0x40])
def test_other_messages(framing):
    """A response, informational ones included, or an unknown form is no request."""
    with pytest.raises(MalformedRequest):
        parse_request(bytes([framing]) + raw(CHAT)[1:])


def test_something_after_the_end():
    """A second message behind the first is refused; zeros are padding."""
    assert parse_request(raw(CHAT) + bytes(5)) == CHAT
    with pytest.raises(MalformedRequest):
        parse_request(raw(CHAT) + bytes(5) + raw(CHAT)[1:])


def test_nothing_secret_is_shown():
    """The representation of a request shows neither headers nor content."""
    assert "canary" not in repr(CHAT)


def streamed(request: Request, pieces: list[bytes], **end) -> bytes:
    """Return *request* with the content *pieces* in the indeterminate-length form."""
    encoder = RequestEncoder(replace(request, body=b"", trailers=()))
    return encoder.head + b"".join(map(encoder.feed, pieces)) + encoder.finish(**end)


@given(REQUESTS, st.lists(st.binary(max_size=70), max_size=4), st.integers(0, 30))
def test_both_encoders_agree(request, pieces, padding_bytes):
    """A request written in both forms is read as the same request, whatever the pieces."""
    whole = replace(request, body=b"".join(pieces))
    data = streamed(request, pieces, trailers=request.trailers, padding_bytes=padding_bytes)
    assert parse_request(data) == parse_request(encode_request(whole)) == whole
    assert data.endswith(bytes(padding_bytes))


@given(REQUESTS)
def test_streamed_form_byte_for_byte(request):
    """The streamed form equals an encoding written down separately."""
    half = len(request.body) // 2
    pieces = [request.body[:half], request.body[half:]]
    assert streamed(request, pieces, trailers=request.trailers) == raw(request, framing=2)


def test_encoder_by_parts_refuses_what_the_parser_would():
    """Unsafe heads, trailers and a broken promise of length are refused while writing."""
    with pytest.raises(MalformedRequest):
        RequestEncoder(Request(b"CONNECT", b"/"))
    with pytest.raises(MalformedRequest):
        RequestEncoder(Request(b"POST", b"/")).finish(trailers=((b"authorization", b"x"),))
    for part in ({"body": b"x"}, {"trailers": ((b"x", b"y"),)}):
        with pytest.raises(ValueError, match="feed"):
            RequestEncoder(Request(b"POST", b"/", **part))
    announced = Request(b"POST", b"/", headers=((b"content-length", b"4"),))
    assert parse_request(streamed(announced, [b"12", b"34"])).body == b"1234"
    with pytest.raises(MalformedRequest):
        streamed(announced, [b"123"])


@pytest.mark.parametrize("framing", [0, 2])
def test_truncation_that_would_hide_content(framing):
    """A request that announces content and stops before it is refused (RFC 9292 §3.8)."""
    request = replace(CHAT, headers=((b"content-length", b"19"),))
    whole = raw(request, framing)
    head = len(raw(replace(request, body=b""), framing)) - 2
    assert parse_request(whole) == request
    with pytest.raises(MalformedRequest):
        parse_request(whole[:head])


@pytest.mark.parametrize("framing", [0, 2])
def test_informational_response_in_a_request(framing):
    """A request cannot start with an informational status, as a response can."""
    with pytest.raises(MalformedRequest):
        parse_request(bytes([framing]) + b"\x40\x67\x00" + raw(CHAT, framing)[1:])


def test_content_in_tiny_pieces_has_a_limit():
    """A body of tiny pieces costs a stranger nothing and us much, so it is refused."""
    request = Request(b"POST", b"/", authority=b"gateway.example")
    assert parse_request(streamed(request, [b"a"] * 1_024)).body == b"a" * 1_024
    for size in (1, 100):
        with pytest.raises(MalformedRequest):
            parse_request(streamed(request, [b"a" * size] * 2_000))
    assert parse_request(streamed(request, [b"a" * 1_000] * 2_000)).body == b"a" * 2_000_000
