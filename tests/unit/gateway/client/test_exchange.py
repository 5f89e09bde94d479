"""The decisions of one exchange that whole exchanges do not show."""

from datetime import UTC, datetime

import pytest

from gateway.client.account import Account
from gateway.client.exchange import Exchange, inner_request
from gateway.client.outer import GatewayRefused, OuterAnswer, OuterHead
from gateway.client.session import Session
from gateway.core.bhttp import Request
from gateway.core.secret import Secret


def exchange() -> Exchange:
    """Return an exchange that has not been sealed."""
    account = Account("https://a", "id", Secret("secret"), trust_tls=True)
    session = Session(account, now=lambda: datetime(2026, 11, 22, tzinfo=UTC))
    return Exchange(session, Request(b"GET", b"/"))


def test_order_of_calls():
    """An answer cannot be opened before its request is sealed."""
    with pytest.raises(RuntimeError):
        exchange().feed(b"")
    with pytest.raises(RuntimeError):
        exchange().finish()
    assert exchange().head is None
    assert not exchange().retries_inside()


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"[" * 60_000, b'{"type":5}', b'{"type":"x"}'])
def test_problem_that_is_none(body):
    """A 422 without the one problem type does not lead to a second attempt."""
    head = OuterHead(422, {"content-type": "application/problem+json"})
    with pytest.raises(GatewayRefused):
        exchange().retries_outside(OuterAnswer(head, body))


def test_inner_headers():
    """Names become lower case; what belongs to a connection or is set anew is left out."""
    request = inner_request(
        "POST",
        b"/v1",
        authority=b"a",
        headers=[(b"X-One", b"1"), (b"Connection", b"close"), (b"Authorization", b"x")],
        body=b"b",
    )
    assert (request.headers, request.method, request.body) == (((b"x-one", b"1"),), b"POST", b"b")
