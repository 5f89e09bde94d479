"""The metrics page for Prometheus. Belongs on the admin listener only.

It asks for no token, since scrapers seldom can fetch one: whoever may reach the admin listener may
read it. That listener is on loopback and for loopback networks unless the settings say otherwise;
keep it so, or let a proxy that knows the scraper stand before it. The page holds counts only.

What is counted is decided where it is counted; no label may come from a caller.
"""

from __future__ import annotations

import asyncio

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


def build_metrics_app(registry: CollectorRegistry) -> Starlette:
    """Return the app of ``/metrics``, showing what *registry* holds.

    One that belongs to several processes reads files, off the event loop.
    """

    async def metrics(_request: Request) -> Response:
        headers = {"Cache-Control": "no-store", "Content-Type": CONTENT_TYPE_LATEST}
        return Response(await asyncio.to_thread(generate_latest, registry), headers=headers)

    return Starlette(routes=[Route("/metrics", metrics)])
