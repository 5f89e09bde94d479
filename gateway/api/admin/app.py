"""Builds the admin API. All but its OpenAPI document needs an access token of a staff role."""

from __future__ import annotations

from typing import Final

from fastapi import Depends, FastAPI, Request
from starlette.middleware import Middleware
from starlette.responses import Response
from starlette.routing import Match

from gateway.api.admin import (
    access_log,
    audit,
    backends,
    clients,
    keys,
    models,
    permissions,
    proposals,
    revocations,
    status,
)
from gateway.api.admin.call_names import CallNames
from gateway.api.admin.faults import name_faults, refuse_unknown
from gateway.api.admin.idempotency import Idempotent
from gateway.api.admin.json_body import JsonBody
from gateway.api.admin.openapi import DocumentedApp
from gateway.api.admin.session import Gate, Proofs, SecondLook
from gateway.api.body_limit import BodyLimit
from gateway.api.call_limit import CallLimit
from gateway.api.problems import problem_json
from gateway.api.refusals import install_refusals, refusal
from gateway.control.room import ControlRoom
from gateway.control.two_person import Proposed
from gateway.core.errors import MethodNotAllowed

PREFIX: Final = "/admin/v1"
MAX_BODY_BYTES: Final = 65536
_NOUNS: Final = (
    clients,
    keys,
    revocations,
    access_log,
    audit,
    models,
    backends,
    permissions,
    proposals,
    status,
)
_METHODS: Final = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")


def build_admin_app(room: ControlRoom, proofs: Proofs, *, calls_per_minute: int = 300) -> FastAPI:
    """Return the app of ``/admin/v1``. The caller's address is ``scope["client"]``.

    *calls_per_minute* bounds the calls of one address, whether they are let in or not.
    """
    document = f"{PREFIX}/openapi.json"
    app = DocumentedApp(
        title="Sealgate admin API",
        version="1",
        openapi_url=document,
        docs_url=None,  # its pages load scripts from other hosts
        redoc_url=None,
        redirect_slashes=False,
        dependencies=[Depends(refuse_unknown)],
        middleware=[
            Middleware(CallNames),
            Middleware(
                CallLimit,
                calls_per_minute=calls_per_minute,
                clock=room.clock,
                present=problem_json,
            ),
            Middleware(Gate, room=room, proofs=proofs, open_paths=[document]),
            Middleware(BodyLimit, max_body_bytes=MAX_BODY_BYTES, present=problem_json),
            Middleware(SecondLook, room=room, proofs=proofs),
            Middleware(JsonBody),
            Middleware(Idempotent, calls=room.idempotency),
        ],
    )
    app.state.room = room
    install_refusals(app, problem_json, name_faults=name_faults)
    app.add_exception_handler(405, _refuse_method)
    app.add_exception_handler(Proposed, proposals.answer_proposed)
    for noun in _NOUNS:
        app.include_router(noun.ROUTER, prefix=PREFIX)
    return app


async def _refuse_method(request: Request, _error: Exception) -> Response:
    # The framework's own Allow has the methods of one route; a path has one route for each method.
    routes = request.app.router.routes
    scope = {key: request.scope[key] for key in ("type", "path", "root_path", "headers")}
    allowed = tuple(
        method
        for method in _METHODS
        if any(route.matches({**scope, "method": method})[0] is Match.FULL for route in routes)
    )
    return refusal(MethodNotAllowed(allowed=allowed), problem_json)
