"""The four examples of RFC 9292."""

import json
from pathlib import Path

from gateway.core.bhttp import Request, encode_request, parse_request
from gateway.core.bhttp_response import encode_response, parse_response

EXAMPLES = json.loads((Path(__file__).parent / "data" / "rfc9292_examples.json").read_text())
EXPECTED = EXAMPLES["expect"]


def raw(name: str) -> bytes:
    """Return one example as bytes."""
    return bytes.fromhex(EXAMPLES[name])


def expected_request() -> Request:
    """Return the request of the first two examples."""
    want = EXPECTED["request"]
    return Request(
        method=want["method"].encode(),
        scheme=want["scheme"].encode(),
        authority=want["authority"].encode(),
        path=want["path"].encode(),
        headers=tuple((name.encode(), value.encode()) for name, value in want["fields"]),
    )


def test_known_length_request():
    """The known-length request is read as printed and written back to the same bytes."""
    request = parse_request(raw("request_known_length"))
    assert request == expected_request()
    assert request.host == b"www.example.com"
    assert encode_request(request) == raw("request_known_length")


def test_indeterminate_length_request():
    """The indeterminate-length request with ten bytes of padding holds the same request."""
    assert parse_request(raw("request_indeterminate_length_10_padding")) == expected_request()


def test_indeterminate_length_response():
    """Interim answers are passed over; the final status, fields and content are read."""
    response = parse_response(raw("response_indeterminate_with_102_103"))
    assert response.status == 200
    assert dict(response.headers)[b"server"] == b"Apache"
    assert response.body == b"Hello World! My content includes a trailing CRLF.\r\n"


def test_known_length_response():
    """The known-length response with a trailer is read and written back to the same bytes."""
    response = parse_response(raw("response_known_length_with_trailer"))
    want = EXPECTED["response_known"]
    assert (response.status, response.body) == (want["status"], want["content"].encode())
    assert response.trailers == ((b"trailer", b"text"),)
    assert encode_response(response) == raw("response_known_length_with_trailer")
