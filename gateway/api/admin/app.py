"""Builds the admin API. All but its OpenAPI document needs a bearer token of a staff role."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Depends, FastAPI
from starlette.middleware import Middleware

from gateway.api.admin import access_log, clients, keys, revocations, status
from gateway.api.admin.session import get_principal
from gateway.api.body_limit import BodyLimit
from gateway.api.problems import problem_json
from gateway.api.refusals import install_refusals
from gateway.control.room import ControlRoom

PREFIX: Final = "/admin/v1"
MAX_BODY_BYTES: Final = 65536


def build_admin_app(room: ControlRoom) -> FastAPI:
    """Return the app of ``/admin/v1``. The caller's address is ``scope["client"]``."""
    body_limit = Middleware(BodyLimit, max_body_bytes=MAX_BODY_BYTES, present=problem_json)
    app = FastAPI(
        title="Sealgate admin API",
        version="1",
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,  # its pages load scripts from other hosts
        redoc_url=None,
        redirect_slashes=False,
        middleware=[body_limit],
    )
    app.state.room = room
    install_refusals(app, problem_json)
    # On the router as well as in each route: a route that forgot it would still be closed.
    guarded = APIRouter(prefix=PREFIX, dependencies=[Depends(get_principal)])
    for noun in (clients, keys, revocations, access_log, status):
        guarded.include_router(noun.ROUTER)
    app.include_router(guarded)
    return app
