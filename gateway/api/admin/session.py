"""Who calls the admin API: proved anew on every call, nothing is remembered between two.

All but the permission is proved by :class:`Gate`, which stands before everything else of the
application: of a call that it refuses no byte of the body is read and no path is looked at.

1. exactly one ``Authorization: Bearer`` field (RFC 6750 §2.1)
2. signature, claims, client and revocation (``core.tokens``)
3. the client's own address allowlist
4. the permission: asked by the use case that the route calls
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Final

from fastapi import Depends, Query, Request
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.api.caller import caller_address
from gateway.api.problems import problem_json
from gateway.api.refusals import refusal
from gateway.control.actors import STAFF_ROLES, Staff
from gateway.control.room import ControlRoom
from gateway.core.errors import InvalidToken, PermissionDenied, SealgateError
from gateway.core.identity import Principal
from gateway.core.policy import verify_address
from gateway.core.tokens import verify_access_token

_CALLER: Final = "sealgate.caller"


def get_room(request: Request) -> ControlRoom:
    """Return the control room that the app was built over."""
    room = request.app.state.room
    assert isinstance(room, ControlRoom)
    return room


def get_caller(request: Request) -> Staff:
    """Return who calls, as :class:`Gate` proved it."""
    caller = request.scope[_CALLER]
    assert isinstance(caller, Staff)
    return caller


class Gate:
    """Lets calls of staff through to *app* and answers all others itself, in problem+json.

    *open_paths* are read by anybody.
    """

    def __init__(self, app: ASGIApp, *, room: ControlRoom, open_paths: Collection[str]) -> None:
        self._app = app
        self._room = room
        self._open_paths = frozenset(open_paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one call (ASGI 3)."""
        is_open = scope["type"] == "http" and scope["path"] in self._open_paths
        if scope["type"] == "lifespan" or (is_open and scope["method"] == "GET"):
            await self._app(scope, receive, send)
            return
        try:
            principal = _verify_staff(HTTPConnection(scope), self._room)
        except SealgateError as error:
            answer = refusal(error, problem_json)
            answer.headers["Connection"] = "close"  # the body, if there is one, is not read
            await answer(scope, receive, send)
            return
        caller = Staff(principal)
        await self._app({**scope, _CALLER: caller}, receive, _named(send, caller.request_id))


def _named(send: Send, request_id: str) -> Send:
    """Return *send* with the name under which the audit trail has this call, as a header."""

    async def send_named(message: Message) -> None:
        if message["type"] == "http.response.start":
            header = (b"request-id", request_id.encode("ascii"))
            message = {**message, "headers": [*message["headers"], header]}
        await send(message)

    return send_named


def _verify_staff(connection: HTTPConnection, room: ControlRoom) -> Principal:
    """Return who calls. Raises ``InvalidToken``, ``AddressNotAllowed``, ``PermissionDenied``.

    Only staff roles pass, whatever the path: an application has no business on this listener.
    """
    values = connection.headers.getlist("authorization")
    scheme, _, token = values[0].partition(" ") if len(values) == 1 else ("", "", "")  # 1
    if scheme.lower() != "bearer":
        raise InvalidToken
    principal = verify_access_token(  # 2
        token,
        snapshot=room.snapshots.current(),
        expectations=room.tokens.rules.expectations,
        now=room.clock(),
    )
    verify_address(caller_address(connection), principal.client.networks)  # 3
    if principal.client.role not in STAFF_ROLES:
        raise PermissionDenied
    return principal


Room = Annotated[ControlRoom, Depends(get_room)]
Caller = Annotated[Staff, Depends(get_caller)]
Limit = Annotated[int, Query(ge=1, le=200)]
Skip = Annotated[int, Query(ge=0, le=10_000_000)]
