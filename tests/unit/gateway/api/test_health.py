"""Health: two words, for whoever asks."""

from __future__ import annotations

import asyncio

from gateway.api.health import SharedProbe, build_health_app
from gateway.control.room import ControlRoom
from tests.fakes.control import FakeClock
from tests.fakes.http import http
from tests.fakes.waiting import until


async def test_ready_only_with_store_and_upstream(room: ControlRoom, clock: FakeClock) -> None:
    """Alive always; ready only while the snapshot is trusted and vLLM serves."""
    healthy = True

    async def upstream_ready() -> bool:
        return healthy

    app = build_health_app(room.snapshots, upstream_ready, monotonic=clock.monotonic)
    async with http(app) as client:
        assert (await client.get("/readyz")).status_code == 200
        healthy = False
        clock.advance(seconds=1)
        assert (await client.get("/readyz")).status_code == 503
        healthy = True
        clock.advance(seconds=6)
        response = await client.get("/readyz")
        assert (response.status_code, response.text) == (503, "not ready\n")
        assert response.headers["retry-after"] == "1"
        assert (await client.get("/livez")).status_code == 200


async def test_gateway_that_is_about_to_end_is_not_ready(room: ControlRoom) -> None:
    """From the moment it is told, without waiting for the next probe; alive it is to the end."""
    told: list[bool] = []

    async def upstream_ready() -> bool:
        return True

    app = build_health_app(room.snapshots, upstream_ready, is_stopping=lambda: bool(told))
    async with http(app) as client:
        assert (await client.get("/readyz")).status_code == 200
        told.append(True)
        assert (await client.get("/readyz")).status_code == 503
        assert (await client.get("/livez")).status_code == 200


class Upstream:
    """A model server whose health a test holds back; counts how often and how deep it is asked."""

    def __init__(self) -> None:
        self.asked = self.running = self.most_running = 0
        self.answer = asyncio.Event()

    async def is_healthy(self) -> bool:
        """Answer once the test says so."""
        self.asked += 1
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            await self.answer.wait()
        finally:
            self.running -= 1
        return True


async def test_many_callers_are_one_probe(room: ControlRoom, clock: FakeClock) -> None:
    """However many ask at once, vLLM is asked once, and everybody gets that answer."""
    upstream = Upstream()
    app = build_health_app(room.snapshots, upstream.is_healthy, monotonic=clock.monotonic)
    async with http(app) as client:
        asking = [asyncio.create_task(client.get("/readyz")) for _ in range(50)]
        await until(lambda: upstream.running)
        await asyncio.sleep(0.05)  # a second probe would have its chance
        assert upstream.running == 1
        upstream.answer.set()
        answers = await asyncio.gather(*asking)
    assert {answer.status_code for answer in answers} == {200}
    assert (upstream.asked, upstream.most_running) == (1, 1)


async def test_answer_is_good_for_a_second(clock: FakeClock) -> None:
    """Within a second the last answer is repeated, then vLLM is asked again."""
    upstream = Upstream()
    upstream.answer.set()
    probe = SharedProbe(upstream.is_healthy, monotonic=clock.monotonic)
    for seconds, asked in ((0, 1), (0.9, 1), (0.2, 2), (0.5, 2)):
        clock.advance(seconds=seconds)
        assert await probe.is_ready()
        assert upstream.asked == asked


async def test_slow_upstream_is_not_ready(clock: FakeClock) -> None:
    """A probe without an answer in time is ended and counts as not ready, for a second too."""
    upstream = Upstream()
    probe = SharedProbe(upstream.is_healthy, monotonic=clock.monotonic, timeout_seconds=0.01)
    assert not await probe.is_ready()
    assert not await probe.is_ready()
    assert (upstream.asked, upstream.running) == (1, 0)


async def test_caller_that_leaves_holds_nobody_up(clock: FakeClock) -> None:
    """When the caller whose probe runs goes away, the next one asks afresh."""
    upstream = Upstream()
    probe = SharedProbe(upstream.is_healthy, monotonic=clock.monotonic)
    first = asyncio.create_task(probe.is_ready())
    second = asyncio.create_task(probe.is_ready())
    await asyncio.sleep(0)
    first.cancel()
    upstream.answer.set()
    assert await second
    assert (upstream.most_running, upstream.running) == (1, 0)
