"""The public listener's front door."""

from __future__ import annotations

from ipaddress import ip_network

import orjson
import pytest
from starlette.requests import HTTPConnection

from gateway.api.caller import caller_address
from gateway.api.edge import Edge, Guard
from gateway.core.errors import ClientStalled, StoreUnavailable
from gateway.core.forwarded import ForwardedHeader, TrustedProxies
from gateway.pipeline.admit import Admit
from gateway.pipeline.record import Record
from tests.fakes.asgi import call, scope
from tests.fakes.world import clock

NO_PROXIES = TrustedProxies()
PROXIES = TrustedProxies((ip_network("127.0.0.0/8"),), ForwardedHeader.X_FORWARDED_FOR)


class World:
    """An edge with one route of each kind."""

    def __init__(self, *, networks=("127.0.0.0/8",), error=None, proxies=NO_PROXIES) -> None:
        self.statuses: list[int] = []
        self.addresses: list[str] = []
        self.seen: list[str] = []
        self.faults: list[Exception] = []
        self.error = error
        self.inference_calls = 0
        guard = Guard(
            Admit([ip_network(n) for n in networks], proxies=proxies),
            Record(self, clock),
            self.faults.append,
        )
        self.edge = Edge(
            guard,
            {("GET", "/livez"): self.livez, ("GET", "/keys"): self.livez},
            inference={("POST", "/v1/completions"): self.inference},
            called_by_proxies=[("GET", "/livez")],
        )

    def write(self, record):
        self.statuses.append(record.status)
        self.addresses.append(str(record.ip))

    async def livez(self, scope, receive, send):
        self.seen.append(str(caller_address(HTTPConnection(scope))))
        if self.error:
            raise self.error
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def inference(self, scope, receive, send):
        self.inference_calls += 1
        if self.error:
            raise self.error
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


async def test_inference_routes_can_be_replaced():
    """From then on the new ones go to the chain, and those of before do not exist."""
    world = World()
    world.edge.replace_inference({("GET", "/v1/models/new"): world.inference})
    assert (await call(world.edge, scope("GET", "/v1/models/new"))).body == b"model"
    assert (await call(world.edge, scope("POST", "/v1/completions"))).status == 404


async def test_fault_that_the_chain_lets_through_is_reported():
    """The connection is cut, and an operator is told; a client who does not read is no fault."""
    world = World(error=RuntimeError("canary"))
    with pytest.raises(RuntimeError):
        await call(world.edge, scope("POST", "/v1/completions"))
    assert world.faults == [world.error]
    world = World(error=ClientStalled())
    with pytest.raises(ClientStalled):
        await call(world.edge, scope("POST", "/v1/completions"))
    assert world.faults == []


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


def forwarded(target: str, value: bytes):
    """Return a GET that came through a proxy which says *value* of its client."""
    return scope("GET", target, [(b"x-forwarded-for", value)])


async def test_behind_a_proxy_everything_sees_the_client():
    """Allowlist, application and access log all have the client's address, not the proxy's."""
    world = World(networks=["192.0.2.0/24"], proxies=PROXIES)
    assert (await call(world.edge, forwarded("/keys", b"6.6.6.6, 192.0.2.1"))).status == 204
    assert (await call(world.edge, forwarded("/keys", b"203.0.113.7"))).status == 403
    assert world.seen == ["192.0.2.1"]
    assert world.addresses == ["192.0.2.1", "203.0.113.7"]


async def test_a_client_without_a_proxy_cannot_claim_an_address():
    """Without trusted proxies the header is not read."""
    world = World()
    assert (await call(world.edge, forwarded("/keys", b"192.0.2.1"))).status == 204
    assert world.seen == world.addresses == ["127.0.0.1"]


@pytest.mark.parametrize("value", [b"", b"unknown", b"192.0.2.1, rubbish"])
async def test_a_proxy_that_does_not_name_its_client_is_refused(value):
    """What the proxy says must be an address; the record then has the proxy's."""
    world = World(proxies=PROXIES)
    assert (await call(world.edge, forwarded("/keys", value))).status == 403
    assert (await call(world.edge, forwarded("/livez", value))).status == 403
    assert (world.seen, world.addresses) == ([], ["127.0.0.1"] * 2)


async def test_a_proxy_may_ask_for_health_and_nothing_else_by_itself():
    """A health check has no client; any other call of the proxy without one is refused."""
    world = World(proxies=PROXIES)
    assert (await call(world.edge, scope("GET", "/livez"))).status == 204
    assert (await call(world.edge, scope("GET", "/keys"))).status == 403
    assert (await call(world.edge, scope("GET", "/none"))).status == 403
    assert world.seen == ["127.0.0.1"]
    unlisted = World(networks=["192.0.2.0/24"], proxies=PROXIES)
    assert (await call(unlisted.edge, scope("GET", "/livez"))).status == 403
