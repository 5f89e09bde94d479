"""The public listener's front door."""

from __future__ import annotations

from ipaddress import ip_network

import orjson
import pytest

from gateway.api.edge import Edge, Guard
from gateway.core.errors import StoreUnavailable
from gateway.pipeline.admit import Admit
from gateway.pipeline.record import Record
from tests.fakes.asgi import call, scope
from tests.fakes.world import clock


class World:
    """An edge with one route of each kind."""

    def __init__(self, *, networks=("127.0.0.0/8",), error=None) -> None:
        self.statuses: list[int] = []
        self.faults: list[Exception] = []
        self.error = error
        self.inference_calls = 0
        guard = Guard(
            Admit([ip_network(n) for n in networks]), Record(self, clock), self.faults.append
        )
        self.edge = Edge(
            guard,
            {("GET", "/livez"): self.livez},
            inference={("POST", "/v1/completions"): self.inference},
        )

    def write(self, record):
        self.statuses.append(record.status)

    async def livez(self, scope, receive, send):
        if self.error:
            raise self.error
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def inference(self, scope, receive, send):
        self.inference_calls += 1
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"model"})


async def test_known_route_is_served_and_recorded():
    """A route in the table reaches its application, and the call is recorded."""
    world = World()
    assert (await call(world.edge, scope("GET", "/livez"))).status == 204
    assert world.statuses == [204]


async def test_inference_records_by_itself():
    """The chain records its own calls, so the edge does not write a second line."""
    world = World()
    assert (await call(world.edge, scope("POST", "/v1/completions"))).body == b"model"
    assert world.statuses == []


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("POST", "/livez"),
        ("GET", "/livez/"),
        ("GET", "//livez"),
        ("GET", "/livez?x=1"),
        ("GET", "/%6civez"),
        ("GET", "/x/../livez"),
        ("POST", "/invocations"),
        ("GET", "/admin/v1/clients"),
        ("GET", "/metrics"),
    ],
)
async def test_everything_else_does_not_exist(method, target):
    """No other spelling and no other path is served, and the inference application not asked."""
    world = World()
    answer = await call(world.edge, scope(method, target))
    assert answer.status == 404
    assert orjson.loads(answer.body)["code"] == "not_found"
    assert world.inference_calls == 0
    assert world.statuses == [404]


async def test_unknown_model_path_speaks_openai():
    """An SDK that calls an unknown /v1 path gets an error it understands."""
    answer = await call(World().edge, scope("GET", "/v1/files"))
    assert "error" in orjson.loads(answer.body)


async def test_forbidden_address_sees_nothing():
    """An address off the allowlist gets 403 for every path alike."""
    world = World(networks=())
    assert (await call(world.edge, scope("GET", "/livez"))).status == 403
    assert (await call(world.edge, scope("GET", "/none"))).status == 403


async def test_refusal_of_an_application_is_shown():
    """An application may raise a refusal; the edge gives it its form."""
    assert (await call(World(error=StoreUnavailable()).edge, scope("GET", "/livez"))).status == 503


async def test_bug_shows_nothing():
    """An unexpected exception becomes a bare 500; its text goes nowhere."""
    world = World(error=RuntimeError("token abc"))
    answer = await call(world.edge, scope("GET", "/livez"))
    assert answer.status == 500
    assert b"abc" not in answer.body
    assert len(world.faults) == 1


async def test_other_protocols_are_ignored():
    """A WebSocket scope is never passed on."""
    world = World()
    await world.edge({"type": "websocket"}, None, None)
    assert world.inference_calls == 0


async def test_other_paths_may_have_an_application_of_their_own():
    """The admin listener hands what is in no table to an application with a router."""
    world = World()
    edge = Edge(world.edge._guard, {}, others=world.livez)
    assert (await call(edge, scope("GET", "/admin/v1/x"))).status == 204
    assert world.statuses == [204]


async def test_bug_after_the_head_sends_no_second_head():
    """An answer that breaks in the middle is left cut; its own status is recorded."""
    world = World()

    async def breaks(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError("token abc")

    edge = Edge(world.edge._guard, {("GET", "/x"): breaks})
    answer = await call(edge, scope("GET", "/x"))
    assert (answer.status, answer.body, answer.complete) == (200, b"", False)
    assert world.statuses == [200]
    assert len(world.faults) == 1


async def test_refusal_keeps_its_headers():
    """The headers that belong to an error are there when the edge itself refuses."""
    world = World(error=StoreUnavailable())
    answer = await call(world.edge, scope("GET", "/livez"))
    assert answer.headers[b"retry-after"] == b"1"
