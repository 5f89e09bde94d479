"""Bodies of the admin API are JSON objects that every parser reads alike, or they are refused."""

from __future__ import annotations

from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.api.body_limit import replay
from gateway.api.problems import problem_json
from gateway.api.refusals import refusal
from gateway.core.errors import MalformedRequest, SealgateError, UnsupportedMediaType
from gateway.core.strict_json import parse_object

_JSON: Final = frozenset(
    {"application/json", "application/json;charset=utf-8", 'application/json;charset="utf-8"'}
)


class JsonBody:
    """Lets calls through to *app* that have no body, or an unambiguous JSON object.

    Stands inside of what reads the whole body. A member that is there twice, a number that is none
    and deep nesting are refused: two readers could take them differently.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one call (ASGI 3)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = (await receive()).get("body", b"")
        try:
            if body:
                _verify(Headers(scope=scope), body)
        except SealgateError as error:
            await refusal(error, problem_json)(scope, receive, send)
            return
        await self._app(scope, replay(body, receive), send)


def _verify(headers: Headers, body: bytes) -> None:
    types = headers.getlist("content-type")
    media_type = types[0].replace(" ", "").lower() if len(types) == 1 else ""
    if media_type not in _JSON:
        raise UnsupportedMediaType
    if headers.getlist("content-encoding"):
        raise MalformedRequest("The body must not be compressed.")
    parse_object(body)
