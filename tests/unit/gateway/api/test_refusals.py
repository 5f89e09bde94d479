"""Refusals: no exception of any kind shows its text."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from gateway.api.problems import oauth_error, problem_json
from gateway.api.refusals import REQUEST_ID, Presenter, install_refusals, refusal
from gateway.core.errors import InvalidClient, InvalidToken, SealgateError, StoreUnavailable
from tests.fakes.http import http


async def test_refusal_names_its_call() -> None:
    """Where the call has a name, the refusal says it, that of a bug too."""
    app = FastAPI()
    install_refusals(app, problem_json)

    @app.get("/")
    async def fail() -> None:
        raise RuntimeError("canary")

    async def named(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, REQUEST_ID: "r-1"}, receive, send)

    async with http(named) as client:
        assert (await client.get("/")).headers["request-id"] == "r-1"
        assert (await client.get("/nothing")).headers["request-id"] == "r-1"


async def test_unexpected_error_is_an_internal_error() -> None:
    """A bug is a 500 in our shape, without its text."""
    app = FastAPI()
    install_refusals(app, problem_json)

    @app.get("/")
    async def fail() -> None:
        raise RuntimeError("canary")

    async with http(app) as client:
        response = await client.get("/")
    assert response.status_code == 500
    assert response.json()["code"] == "internal_error"
    assert "canary" not in response.text


@pytest.mark.parametrize("present", [problem_json, oauth_error])
def test_headers_follow_the_status(present: Presenter) -> None:
    """A 401 has a challenge, 429 and 503 say when to come again, everything says no-store."""
    for kind in SealgateError.__subclasses__():
        response = refusal(kind(), present)
        assert response.headers["cache-control"] == "no-store"
        assert ("www-authenticate" in response.headers) == (response.status_code == 401)
        assert ("retry-after" in response.headers) == (response.status_code in {429, 503})
    assert refusal(StoreUnavailable(), present).headers["retry-after"] == "1"
    assert refusal(InvalidToken(), present).headers["www-authenticate"].startswith("Bearer")
    assert refusal(InvalidClient(), present).headers["www-authenticate"].startswith("Basic")
