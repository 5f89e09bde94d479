"""Refusals: no exception of any kind shows its text."""

from __future__ import annotations

from fastapi import FastAPI

from gateway.api.problems import problem_json
from gateway.api.refusals import install_refusals
from tests.fakes.http import http


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
