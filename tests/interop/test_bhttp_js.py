"""Binary HTTP of ours, of ``bhttp-js`` and of the JavaScript client, each read by another."""

from __future__ import annotations

import base64

import pytest

from gateway.core import bhttp
from gateway.core.bhttp_response import Response, ResponseEncoder, encode_response, parse_response

BODY = '{"model": "tiny", "text": "Zoë 中文"}'.encode()
HEADERS = ((b"content-type", b"application/json"), (b"x-name", b"value"))
REQUEST = bhttp.Request(
    method=b"POST",
    path=b"/v1/chat/completions?x=1",
    authority=b"gateway.example:8443",
    headers=HEADERS,
    body=BODY,
)
URL = "https://gateway.example:8443/v1/chat/completions?x=1"


def indeterminate_request(body: bytes) -> bytes:
    bodyless = bhttp.Request(
        method=REQUEST.method, path=REQUEST.path, authority=REQUEST.authority, headers=HEADERS
    )
    encoder = bhttp.RequestEncoder(bodyless)
    pieces = [encoder.feed(body[at : at + 7]) for at in range(0, len(body), 7)]
    return encoder.head + b"".join(pieces) + encoder.finish(padding_bytes=9)


def indeterminate_response(body: bytes) -> bytes:
    encoder = ResponseEncoder(201, HEADERS)
    pieces = [encoder.feed(body[at : at + 7]) for at in range(0, len(body), 7)]
    return encoder.head + b"".join(pieces) + encoder.finish(padding_bytes=9)


def encoded(*messages: bytes) -> list[str]:
    return [base64.b64encode(message).decode() for message in messages]


@pytest.fixture(scope="module")
def theirs(node):
    """What the two JavaScript encoders make of the same messages."""
    found = node("encode", body=base64.b64encode(BODY).decode())
    return {name: base64.b64decode(value) for name, value in found.items()}


def test_bhttp_js_reads_our_requests(node):
    """Known-length, padded and indeterminate-length requests mean the same to bhttp-js."""
    requests = [
        bhttp.encode_request(REQUEST),
        bhttp.encode_request(REQUEST, pad_to_bytes=1024),
        indeterminate_request(BODY),
    ]
    for read in node("decode", requests=encoded(*requests), responses=[]):
        assert (read["method"], read["url"]) == ("POST", URL)
        assert {tuple(pair) for pair in read["headers"]} >= {
            (name.decode(), value.decode()) for name, value in HEADERS
        }
        assert base64.b64decode(read["body"]) == BODY


def test_bhttp_js_reads_our_responses(node):
    """Known-length, padded and indeterminate-length responses mean the same to bhttp-js."""
    answer = Response(201, HEADERS, BODY)
    responses = [
        encode_response(answer),
        encode_response(answer, pad_to_bytes=1024),
        indeterminate_response(BODY),
    ]
    for read in node("decode", requests=[], responses=encoded(*responses)):
        assert read["status"] == 201
        assert sorted(map(tuple, read["headers"])) == [
            (name.decode(), value.decode()) for name, value in HEADERS
        ]
        assert base64.b64decode(read["body"]) == BODY


@pytest.mark.parametrize(
    ("writer", "path"), [("request", b"/v1/chat/completions"), ("own", REQUEST.path)]
)
def test_we_read_their_requests(theirs, writer, path):
    """A request of bhttp-js, and one of the JavaScript client, is the same request to us."""
    read = bhttp.parse_request(theirs[writer])
    assert (read.method, read.scheme, read.path) == (b"POST", b"https", path)
    assert read.host == REQUEST.authority
    assert set(HEADERS) <= set(read.headers)
    assert read.body == BODY


def test_we_read_their_responses(theirs):
    """A response of bhttp-js is the same response to us."""
    read = parse_response(theirs["response"])
    assert (read.status, read.body) == (201, BODY)
    assert set(HEADERS) <= set(read.headers)
