"""The access token and when it is renewed."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from gateway.client.account import Account
from gateway.client.outer import GatewayRefused, OuterAnswer, OuterHead
from gateway.client.token_cache import TokenCache
from gateway.core.secret import Secret

NOW = datetime(2026, 11, 22, tzinfo=UTC)
GOOD = {"access_token": "a.b.c", "token_type": "Bearer", "expires_in": 3600}


def cache(**options) -> TokenCache:
    """Return an empty cache."""
    return TokenCache(Account("https://a", "id", Secret("secret"), **options))


def answer(document, status: int = 200, **headers: str) -> OuterAnswer:
    """Return a token answer; *document* is bytes or JSON."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return OuterAnswer(OuterHead(status, {"content-type": "application/json", **headers}), body)


@pytest.mark.parametrize(
    ("lifetime", "used"), [(3600, 3240), (600, 540), (300, 240), (100, 50), (1, 0.5)]
)
def test_renewal(lifetime, used):
    """A token is renewed at 60 s or 10 % of its life before its end, a short one at half."""
    tokens = cache()
    tokens.store(answer(GOOD | {"expires_in": lifetime}), now=NOW)
    assert tokens.find(now=NOW + timedelta(seconds=used - 0.1)).value.reveal() == "a.b.c"
    assert tokens.find(now=NOW + timedelta(seconds=used)) is None


def test_request():
    """The request asks for the scope, if there is one, with the credentials in its header only."""
    assert cache().request().body == b"grant_type=client_credentials"
    request = cache(scope="a b").request()
    assert request.body == b"grant_type=client_credentials&scope=a+b"
    assert dict(request.headers)["authorization"].startswith("Basic ")


@pytest.mark.parametrize(
    "document",
    [
        {},
        [],
        b"",
        b"{",
        b"[" * 60_000,
        GOOD | {"access_token": ""},
        GOOD | {"access_token": "a\r\nb: c"},
        GOOD | {"access_token": 5},
        GOOD | {"token_type": "DPoP"},
        GOOD | {"expires_in": 0},
        GOOD | {"expires_in": -1},
        GOOD | {"expires_in": True},
        GOOD | {"expires_in": "3600"},
        GOOD | {"expires_in": 86401},
    ],
)
def test_no_token_in_the_answer(document):
    """An answer that is not exactly a bearer token with a lifetime is refused."""
    with pytest.raises(GatewayRefused) as caught:
        cache().store(answer(document), now=NOW)
    assert (caught.value.code, caught.value.status) == ("token_unusable", 502)


def test_other_media_type():
    """A token in a page or in a compressed answer is not taken."""
    for headers in ({"content-type": "text/html"}, {"content-encoding": "gzip"}):
        with pytest.raises(GatewayRefused):
            cache().store(answer(GOOD, **headers), now=NOW)


@pytest.mark.parametrize(
    ("status", "error", "shown", "code"),
    [
        (401, "invalid_client", 401, "invalid_client"),
        (400, "invalid_request", 401, "invalid_client"),
        (400, "invalid_scope", 403, "token_refused"),
        (403, None, 403, "token_unavailable"),
        (429, None, 429, "token_unavailable"),
        (500, None, 503, "token_unavailable"),
        (302, None, 503, "token_unavailable"),
    ],
)
def test_refusals(status, error, shown, code):
    """Each way to be refused has its status, and the peer's text is not repeated."""
    document = {"error": error, "error_description": "canary"}
    with pytest.raises(GatewayRefused) as caught:
        cache().store(answer(document, status, **{"retry-after": "5"}), now=NOW)
    assert (caught.value.status, caught.value.code) == (shown, code)
    assert "canary" not in caught.value.message


def test_drop():
    """Only the token in use is dropped, not one that has replaced it."""
    tokens = cache()
    tokens.store(answer(GOOD), now=NOW)
    old = tokens.find(now=NOW)
    tokens.store(answer(GOOD), now=NOW)
    tokens.drop(old)
    assert tokens.find(now=NOW) is not None
    tokens.drop(tokens.find(now=NOW))
    assert tokens.find(now=NOW) is None


def test_postponed_renewal():
    """A renewal that is under way or failed lets the old token be used a while, until its end."""
    tokens = cache()
    tokens.postpone(now=NOW)
    assert not tokens.has_living(now=NOW)
    tokens.store(answer(GOOD), now=NOW)
    old = tokens.find(now=NOW)
    late = NOW + timedelta(seconds=3500)
    tokens.postpone(now=late)
    assert tokens.find(now=late).value is old.value
    assert tokens.find(now=late + timedelta(seconds=15)) is None
    tokens.postpone(now=NOW + timedelta(seconds=3595))
    assert tokens.find(now=NOW + timedelta(seconds=3599)) is not None
    assert tokens.find(now=NOW + timedelta(seconds=3600)) is None
    assert not tokens.has_living(now=NOW + timedelta(seconds=3600))
    tokens.drop(old)
    assert not tokens.has_living(now=NOW)
