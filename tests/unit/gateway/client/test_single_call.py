"""One call for debugging."""

import io

import httpx2
import pytest

from gateway.client.single_call import NotSealed, SingleCall, encapsulate, perform
from gateway.core.bhttp import parse_request
from gateway.core.ohttp import RequestOpener
from tests.unit.gateway.client.conftest import account, mock_transport

CALL = SingleCall("POST", "/v1/x", (("content-type", "a/b"),), b"hi")


def test_encapsulate(gateway):
    """The sealed request is returned instead of sent, and is exactly the call."""
    sealed = encapsulate(CALL, account(), upstream=mock_transport(httpx2, gateway))
    opener = RequestOpener(gateway.keys().get, max_body_bytes=1 << 20)
    request = parse_request(opener.finish(sealed))
    assert (request.method, request.path, request.body) == (b"POST", b"/v1/x", b"hi")
    assert gateway.opened == []


def test_encapsulate_without_keys(gateway):
    """A gateway that gives no keys is an error with the reason."""
    gateway.keys_answer = (500, [], iter([b""]))
    with pytest.raises(NotSealed, match="keys_unavailable"):
        encapsulate(CALL, account(), upstream=mock_transport(httpx2, gateway))
    out = io.BytesIO()
    assert perform(CALL, account(), upstream=mock_transport(httpx2, gateway), out=out) == 503
    assert b"keys_unavailable" in out.getvalue()


def test_perform(gateway):
    """The answer is written as it arrives, its head on request."""
    out = io.BytesIO()
    gateway.answer.pieces = [b"a", b"b"]
    upstream = mock_transport(httpx2, gateway)
    assert perform(CALL, account(), upstream=upstream, out=out) == 200
    assert out.getvalue() == b"ab"
    gateway.answer.status, out = 404, io.BytesIO()
    upstream = mock_transport(httpx2, gateway)
    assert perform(CALL, account(), upstream=upstream, out=out, with_head=True) == 404
    assert out.getvalue() == b"404\ncontent-type: application/json\n\nab"


def test_perform_cut(gateway):
    """What arrived of a cut answer is written before the error."""
    gateway.answer.pieces, gateway.answer.is_cut = [b"a"], True
    out = io.BytesIO()
    with pytest.raises(httpx2.RemoteProtocolError):
        perform(CALL, account(), upstream=mock_transport(httpx2, gateway), out=out)
    assert out.getvalue() == b"a"
