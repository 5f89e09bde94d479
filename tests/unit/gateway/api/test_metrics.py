"""The metrics page shows the registry it was given."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter

from gateway.api.metrics import build_metrics_app
from tests.fakes.http import http


async def test_registry_is_shown() -> None:
    """What was counted is on the page, in Prometheus's format."""
    registry = CollectorRegistry()
    Counter("calls", "Calls.", registry=registry).inc()
    async with http(build_metrics_app(registry)) as client:
        response = await client.get("/metrics")
    assert "calls_total 1.0" in response.text
    assert response.headers["content-type"].startswith("text/plain")
