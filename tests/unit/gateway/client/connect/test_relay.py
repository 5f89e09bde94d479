"""The gateway's side of connect."""

import h11
import httpx2
import pytest

from gateway.client.connect.http_messages import LocalRefusal
from gateway.client.connect.relay import BrokenOff, Relay, read_content
from gateway.client.outer import KeysRolledBack

REQUEST = h11.Request(
    method="POST", target="/v1/a%2Fb?c=1", headers=[("host", "localhost"), ("x-y", "z")]
)


@pytest.fixture
def relay(transport):
    """Return a relay over the fake."""
    return Relay("https://gateway.example:8443", transport)


async def test_answer(relay, transport):
    """Method, target, headers and body go to the gateway's origin; the answer streams back."""
    body = transport.says(b"a", b"b")
    async with relay.answer(REQUEST, b"hi") as response:
        assert [piece async for piece in read_content(response)] == [b"a", b"b"]
        assert not body.is_closed.is_set()
    assert body.is_closed.is_set()
    [request] = transport.requests
    assert str(request.url) == "https://gateway.example:8443/v1/a%2Fb?c=1"
    assert (request.method, request.content, request.headers["x-y"]) == ("POST", b"hi", "z")
    assert request.extensions["timeout"]["read"] == 600
    await relay.close()
    assert transport.is_closed


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (httpx2.ConnectError("canary"), 502, "gateway_down"),
        (httpx2.ConnectTimeout("canary"), 504, "gateway_timeout"),
        (httpx2.RemoteProtocolError("canary"), 502, "answer_cut"),
        (httpx2.LocalProtocolError("canary"), 400, "malformed_request"),
        (KeysRolledBack("ours"), 502, "keys_rolled_back"),
        (PermissionError("canary"), 500, "state_file"),
    ],
)
async def test_refusals(relay, transport, error, status, code):
    """Each way to get no answer has its status, and no foreign text."""
    transport.fails(error)
    with pytest.raises(LocalRefusal) as caught:
        async with relay.answer(REQUEST, b""):
            pass
    assert (caught.value.status, caught.value.code) == (status, code)
    assert b"canary" not in caught.value.body


async def test_cut(relay, transport):
    """An answer that ends early is broken off, after what has arrived."""
    transport.says(b"a", httpx2.RemoteProtocolError("cut"))
    async with relay.answer(REQUEST, b"") as response:
        pieces = read_content(response)
        assert await anext(pieces) == b"a"
        with pytest.raises(BrokenOff):
            await anext(pieces)


async def test_wrong_kind_of_stream():
    """A synchronous stream is a programming error, reported as one."""

    class Stream(httpx2.SyncByteStream):
        def __iter__(self):
            yield b""

    with pytest.raises(TypeError):
        async for _ in read_content(httpx2.Response(200, stream=Stream())):
            pass
