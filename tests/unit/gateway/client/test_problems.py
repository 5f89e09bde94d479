"""The refusals after which a request is sealed again."""

import json
from datetime import UTC, datetime

import pytest

from gateway.client.outer import OuterAnswer, OuterHead
from gateway.client.problems import (
    DATE_PROBLEM,
    KEY_PROBLEM,
    find_gateway_time,
    is_key_problem,
    may_be_date_problem,
)
from gateway.core.bhttp_response import ResponseHead

PROBLEM = json.dumps({"type": DATE_PROBLEM}).encode()
DATE = b"Sun, 22 Nov 2026 12:00:00 GMT"


def outside(body: bytes, status: int = 422, **headers: str) -> OuterAnswer:
    """Return an answer that is not sealed."""
    named = {"content-type": "application/problem+json"} | headers
    return OuterAnswer(OuterHead(status, named), body)


def head(status: int = 400, date: bytes | None = DATE, media_type: bytes = b"application/json"):
    """Return the head of a sealed answer."""
    headers = ((b"content-type", media_type),)
    return ResponseHead(status, headers if date is None else (*headers, (b"date", date)))


@pytest.mark.parametrize("document", [{"type": KEY_PROBLEM}, {"error": {"code": "unknown_key"}}])
def test_key_problem(document):
    """Both shapes in which the gateway asks for another key are known."""
    assert is_key_problem(outside(json.dumps(document).encode()))


@pytest.mark.parametrize(
    "answer",
    [
        *(outside(body) for body in (b"", b"[]", b"{", b"[" * 60_000, b'{"error":5}', b"{}")),
        outside(json.dumps({"type": KEY_PROBLEM}).encode(), 400),
        outside(json.dumps({"type": KEY_PROBLEM}).encode(), **{"content-type": "text/html"}),
        outside(json.dumps({"type": KEY_PROBLEM}).encode(), **{"content-encoding": "gzip"}),
    ],
)
def test_no_key_problem(answer):
    """Anything else is an ordinary refusal."""
    assert not is_key_problem(answer)


@pytest.mark.parametrize("body", [PROBLEM, b'{"error":{"code":"date_out_of_window"}}'])
def test_gateway_time(body):
    """A refused date tells the gateway's time."""
    assert may_be_date_problem(head())
    assert find_gateway_time(head(), body) == datetime(2026, 11, 22, 12, tzinfo=UTC)
    unknown_zone = b"Sun, 22 Nov 2026 12:00:00 -0000"
    assert find_gateway_time(head(date=unknown_zone), body).tzinfo is UTC


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (head(), b'{"error":{"code":"malformed_request"}}'),
        (head(), b"{"),
        (head(401), PROBLEM),
        (head(media_type=b"text/event-stream"), PROBLEM),
        (head(date=None), PROBLEM),
        (head(date=b"yesterday"), PROBLEM),
        (head(date=b"\xff"), PROBLEM),
    ],
)
def test_no_gateway_time(answer, body):
    """Without that refusal or a readable date our clock stays as it is."""
    assert find_gateway_time(answer, body) is None
