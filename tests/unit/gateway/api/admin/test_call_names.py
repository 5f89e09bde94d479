"""Every call has a name of its own."""

from __future__ import annotations

from starlette.types import Receive, Scope, Send

from gateway.api.admin.call_names import CallNames
from gateway.api.refusals import REQUEST_ID
from tests.fakes.asgi import call, scope


async def test_answer_has_the_name_of_its_call() -> None:
    """The name is in the scope and in the answer, fresh each time, once, and not the caller's."""
    seen = []

    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        seen.append(scope[REQUEST_ID].encode())
        headers = [(b"Request-Id", b"another"), (b"x", b"y")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    for _ in range(2):
        answer = await call(CallNames(app), scope("GET", "/", [(b"request-id", b"canary")]))
        ours = {b"request-id": seen[-1], b"cache-control": b"no-store"}
        assert answer.headers == {b"x": b"y", **ours}
    assert len(set(seen)) == 2
    assert b"canary" not in seen


async def test_start_of_the_app_passes() -> None:
    """What is no call gets no name."""
    seen = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        seen.append(scope)

    await call(CallNames(app), {"type": "lifespan"})
    assert seen == [{"type": "lifespan"}]
