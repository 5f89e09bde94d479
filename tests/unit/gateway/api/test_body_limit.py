"""The body limit: the app sees a whole body or does not run."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from gateway.api.body_limit import BodyLimit
from gateway.api.problems import problem_json
from tests.fakes.asgi import call, scope


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answer with the body."""
    await Response(await Request(scope, receive).body())(scope, receive, send)


@pytest.mark.parametrize(
    ("parts", "status"), [((b"ab", b"cd"), 200), ((b"",), 200), ((b"ab", b"cde"), 413)]
)
async def test_limit_counts_all_parts(parts: tuple[bytes, ...], status: int) -> None:
    """Four bytes pass whole, five are refused however they were cut."""
    app = BodyLimit(echo, max_body_bytes=4, present=problem_json)
    answer = await call(app, scope("POST", "/"), *parts)
    assert answer.status == status
    if status == 200:
        assert answer.body == b"".join(parts)


async def test_caller_that_leaves_is_no_error() -> None:
    """A caller that leaves before its body ended does not reach the app."""
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def never(_scope: Any, _receive: Any, _send: Any) -> None:
        raise AssertionError("the app ran")

    app = BodyLimit(never, max_body_bytes=4, present=problem_json)
    await app(scope("POST", "/"), receive, send)
    assert sent[0]["status"] == 400


async def test_other_protocols_reach_the_app_unread() -> None:
    """What is no HTTP request has no body to limit and is passed on as it is."""
    seen: list[Any] = []

    async def app(*call: Any) -> None:
        seen.append(call)

    async def never() -> dict[str, Any]:
        raise AssertionError("something was read")

    lifespan = {"type": "lifespan"}
    await BodyLimit(app, max_body_bytes=4, present=problem_json)(lifespan, never, never)
    assert seen == [(lifespan, never, never)]


async def test_body_that_never_ends_is_given_up() -> None:
    """Whoever sends a little now and then keeps no place: 408, and the app does not run."""
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(0.01)
        return {"type": "http.request", "body": b"", "more_body": True}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    app = BodyLimit(echo, max_body_bytes=4, present=problem_json, seconds=0.1)
    await asyncio.wait_for(app(scope("POST", "/"), receive, send), 30)
    assert sent[0]["status"] == 408
    assert (b"connection", b"close") in sent[0]["headers"]
