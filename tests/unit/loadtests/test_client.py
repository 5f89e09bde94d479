"""The load client's sealed requests, opened as a gateway opens them."""

import secrets

import orjson
import pytest

from gateway.core import hpke
from gateway.core.bhttp import parse_request
from gateway.core.bhttp_response import ResponseEncoder
from gateway.core.errors import SealgateError
from gateway.core.ohttp import RequestOpener
from gateway.core.ohttp_keys import load_recipient_key
from loadtests.client import (
    CHAT_PATH,
    SEALED_PATH,
    bearer,
    chat_body,
    in_the_clear,
    sealed,
    write_request,
)

KEY = load_recipient_key(
    7, secrets.token_bytes(hpke.KEMS[hpke.KEM_X25519].private_key_bytes), kem_id=hpke.KEM_X25519
)
DATE = "Sun, 06 Nov 1994 08:49:37 GMT"


def test_request_is_whole_http() -> None:
    """A request has its length, its headers once, and its body as it is."""
    data = write_request("/x", b"{}", headers=[("host", "h")])
    assert data == b"POST /x HTTP/1.1\r\nhost: h\r\ncontent-length: 2\r\n\r\n{}"


def test_clear_request_carries_the_token() -> None:
    """In the clear the token is in the header and nothing needs opening."""
    outgoing = in_the_clear(host="h", token="t")(b"{}")
    assert outgoing.opener is None
    assert outgoing.data.startswith(f"POST {CHAT_PATH} HTTP/1.1\r\n".encode())
    assert b"authorization: Bearer t\r\n" in outgoing.data


def test_sealed_request_and_answer_make_the_round() -> None:
    """A gateway's key opens the request, token inside, and the client opens the sealed answer."""
    body = chat_body(tokens=5, variant=2, model="tiny", streamed=True)
    outgoing = sealed(KEY.config, host="h:1", prove=bearer("t"), date=lambda: DATE)(body)
    head, _, payload = outgoing.data.partition(b"\r\n\r\n")
    assert head.startswith(f"POST {SEALED_PATH} HTTP/1.1\r\n".encode())
    assert b"Bearer" not in outgoing.data
    opener = RequestOpener({7: KEY}.get, max_body_bytes=10_000)
    request = parse_request(opener.feed(payload) + opener.finish())
    assert (request.method, request.path) == (b"POST", CHAT_PATH.encode())
    assert dict(request.headers)[b"authorization"] == b"Bearer t"
    assert orjson.loads(request.body) == orjson.loads(body)

    sealer = opener.response_sealer(secrets.token_bytes(32))
    encoder = ResponseEncoder(200, ((b"content-type", b"text/event-stream"),))
    answer = outgoing.opener
    assert answer is not None
    assert answer.feed(sealer.feed(encoder.head)) == b""
    assert answer.feed(sealer.feed(encoder.feed(b"data: [DONE]\n\n"))) == b"data: [DONE]\n\n"
    assert answer.feed(sealer.finish(encoder.finish())) == b""
    assert answer.finish() == (200, b"")


def test_truncated_answer_is_refused() -> None:
    """An answer without its sealed end is an error, whatever was read of it."""
    outgoing = sealed(KEY.config, host="h:1", prove=bearer("t"), date=lambda: DATE)(b"{}")
    payload = outgoing.data.partition(b"\r\n\r\n")[2]
    opener = RequestOpener({7: KEY}.get, max_body_bytes=10_000)
    opener.finish(payload)
    sealer = opener.response_sealer(secrets.token_bytes(32))
    encoder = ResponseEncoder(200, ())
    answer = outgoing.opener
    assert answer is not None
    answer.feed(sealer.feed(encoder.head + encoder.feed(b"data: [DONE]\n\n")))
    with pytest.raises(SealgateError):
        answer.finish()
