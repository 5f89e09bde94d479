"""Health: two words, for whoever asks."""

from __future__ import annotations

from gateway.api.health import build_health_app
from gateway.control.room import ControlRoom
from tests.fakes.control import FakeClock
from tests.fakes.http import http


async def test_ready_only_with_store_and_upstream(room: ControlRoom, clock: FakeClock) -> None:
    """Alive always; ready only while the snapshot is trusted and vLLM serves."""
    healthy = True

    async def upstream_ready() -> bool:
        return healthy

    async with http(build_health_app(room.snapshots, upstream_ready)) as client:
        assert (await client.get("/readyz")).status_code == 200
        healthy = False
        assert (await client.get("/readyz")).status_code == 503
        healthy = True
        clock.advance(seconds=6)
        response = await client.get("/readyz")
        assert (response.status_code, response.text) == (503, "not ready\n")
        assert (await client.get("/livez")).status_code == 200
