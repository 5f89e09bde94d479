"""Outer answers and what is made of them."""

import json

import pytest

from gateway.client.outer import (
    GatewayRefused,
    OuterAnswer,
    OuterHead,
    OuterRequest,
    error_body,
)


def test_head():
    """Media type, compression and delay are read in any spelling."""
    head = OuterHead(
        200,
        {"content-type": " Text/X ; a=b", "content-encoding": "GZip", "retry-after": " 12 "},
    )
    assert (head.media_type, head.is_encoded, head.retry_after) == ("text/x", True, "12")
    empty = OuterHead(200, {})
    assert (empty.media_type, empty.is_encoded, empty.retry_after) == ("", False, None)


@pytest.mark.parametrize("value", ["-1", "1.5", "Sun, 22 Nov 2026 12:00:00 GMT", "1\r\nx: y"])
def test_delay_is_a_plain_number(value):
    """A delay that is no plain number is not passed on."""
    assert OuterHead(429, {"retry-after": value}).retry_after is None


@pytest.mark.parametrize(("status", "shown"), [(400, 400), (599, 599), (200, 502), (302, 502)])
def test_refusal(status, shown):
    """A refusal has an error status and a body in the shape that SDKs read."""
    refusal = GatewayRefused(status, code="c", message="m", retry_after="3")
    assert refusal.status == shown
    assert json.loads(refusal.body)["error"]["code"] == "c"
    assert (b"retry-after", b"3") in refusal.headers


def test_bodies_are_not_shown():
    """The representation of outer messages holds no body."""
    assert "canary" not in repr(OuterRequest("POST", "/", (), b"canary"))
    assert "canary" not in repr(OuterAnswer(OuterHead(200, {}), b"canary"))


def test_timeouts():
    """A fetch waits no longer than its own limit; other requests as the application says."""
    free, bound = OuterRequest("GET", "/", ()), OuterRequest("GET", "/", (), max_seconds=30)
    assert free.timeouts(None) is None
    assert free.timeouts({"read": 600}) == {"read": 600}
    assert bound.timeouts({"read": 600, "connect": 5, "pool": None}) == {
        "read": 30,
        "connect": 5,
        "pool": 30,
    }
    assert set(bound.timeouts(None).values()) == {30}


def test_error_body():
    """Our own errors look like OpenAI's."""
    assert json.loads(error_body("m", code="c"))["error"]["type"] == "gateway_refused"
