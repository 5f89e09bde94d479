"""The metrics page for Prometheus. Belongs on the admin listener only.

What is counted is decided where it is counted; no label may come from a caller.
"""

from __future__ import annotations

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


def build_metrics_app(registry: CollectorRegistry) -> Starlette:
    """Return the app of ``/metrics``, showing what *registry* holds."""

    async def metrics(_request: Request) -> Response:
        headers = {"Cache-Control": "no-store", "Content-Type": CONTENT_TYPE_LATEST}
        return Response(generate_latest(registry), headers=headers)

    return Starlette(routes=[Route("/metrics", metrics)])
