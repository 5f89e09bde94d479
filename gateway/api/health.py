"""Liveness and readiness. Two words and a status: strangers learn nothing more."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from gateway.core.errors import StoreUnavailable
from gateway.core.ports import SnapshotSource

_HEADERS = {"Cache-Control": "no-store"}


def build_health_app(
    snapshots: SnapshotSource, upstream_ready: Callable[[], Awaitable[bool]]
) -> Starlette:
    """Return the app of ``/livez`` and ``/readyz``.

    Ready means: the snapshot can be trusted and vLLM says that it can serve. Otherwise 503.
    """

    async def livez(_request: Request) -> Response:
        return PlainTextResponse("ok\n", headers=_HEADERS)

    async def readyz(_request: Request) -> Response:
        if _is_current(snapshots) and await upstream_ready():
            return PlainTextResponse("ok\n", headers=_HEADERS)
        return PlainTextResponse("not ready\n", 503, headers=_HEADERS)

    return Starlette(routes=[Route("/livez", livez), Route("/readyz", readyz)])


def _is_current(snapshots: SnapshotSource) -> bool:
    try:
        snapshots.current()
    except StoreUnavailable:
        return False
    return True
