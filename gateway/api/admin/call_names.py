"""Names each call: the audit trail has it under that name, and every answer says it.

No answer of the admin API is for a cache: several hold a secret.
"""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.api.refusals import REQUEST_ID
from gateway.control.actors import new_request_id


class CallNames:
    """Puts a fresh name into the scope and, as ``Request-Id``, into the answer of *app*.

    The outermost of all, so that refusals have it too, and ``Cache-Control: no-store``. A name that
    the caller sends is not used.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one call (ASGI 3)."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        # The scope itself: what answers to a bug stands further out and sees no copy of it.
        scope[REQUEST_ID] = request_id = new_request_id()
        await self._app(scope, receive, _named(send, request_id))


def _named(send: Send, request_id: str) -> Send:
    async def send_named(message: Message) -> None:
        if message["type"] == "http.response.start":
            ours = {b"request-id": request_id.encode("ascii"), b"cache-control": b"no-store"}
            others = [field for field in message["headers"] if field[0].lower() not in ours]
            message = {**message, "headers": [*others, *ours.items()]}
        await send(message)

    return send_named
