"""Several backends as one, each played by a function."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from gateway.backends.balanced_upstream import BalancedUpstream
from gateway.backends.upstream import NothingSent
from gateway.backends.upstream_queue import UpstreamQueue
from gateway.core.balancer import Backend, Balancer
from gateway.core.errors import UpstreamTimedOut, UpstreamUnavailable
from gateway.core.upstream_port import UpstreamRequest
from tests.fakes.connections import Exchange
from tests.fakes.waiting import until

CALL = UpstreamRequest("POST", "/v1/chat/completions", b"{}", model="m", client_id="c")
LIST = UpstreamRequest("GET", "/v1/models")


def reply(status: int = 200, body: bytes = b"x", *, kind: str = "application/json") -> bytes:
    """Return a whole answer."""
    head = f"HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def models(*names: str) -> bytes:
    """Return a list of models as vLLM answers it."""
    return reply(body=orjson.dumps({"data": [{"id": name} for name in names]}))


class Played:
    """A backend that does what *does* says, in place of a ``PooledUpstream``."""

    def __init__(self, does: bytes | Exception | None = None) -> None:
        self.does = reply() if does is None else does
        self.calls = 0
        self.healthy: bool | None = True

    async def send(self, _request: UpstreamRequest) -> Any:
        """Answer."""
        self.calls += 1
        if isinstance(self.does, Exception):
            raise self.does
        exchange = Exchange([self.does], stays=True)
        await exchange.answer.read_head()
        return exchange.answer

    async def is_healthy(self) -> bool:
        """Say so, or hang."""
        if self.healthy is None:
            await asyncio.Event().wait()
        return bool(self.healthy)

    async def close(self) -> None:
        """Do nothing."""


class World:
    """Backends by name, and the upstream over them."""

    def __init__(self, serves: Callable[[str], frozenset[str]], **played: Played) -> None:
        self.played = played
        self.balancer = Balancer([Backend(name, serves(name)) for name in played])
        self.upstream = BalancedUpstream(
            played,  # type: ignore[arg-type]
            UpstreamQueue(self.balancer),
            check_seconds=0.02,
        )

    async def call(self, request: UpstreamRequest = CALL) -> bytes:
        """Return the body of an answer."""
        answer = await self.upstream.send(request)
        try:
            return b"".join([data async for data in answer.chunks()])
        finally:
            await answer.close()

    @property
    def calls(self) -> int:
        """How often any backend was asked."""
        return sum(one.calls for one in self.played.values())

    def loads(self) -> dict[str, tuple[int, int]]:
        """Return calls under way and failures by name."""
        return {load.name: (load.outstanding, load.failures) for load in self.balancer.loads()}


def world(**played: Played) -> World:
    """Return backends that serve everything."""
    return World(lambda _: frozenset(), **played)


async def test_what_never_left_is_given_to_another() -> None:
    """A refused connection costs no call, whoever is the client's favourite."""
    both = world(a=Played(NothingSent()), b=Played())
    for number in range(10):
        request = UpstreamRequest("POST", "/", b"{}", model="m", client_id=f"c-{number}")
        assert await both.call(request) == b"x"
    assert both.played["a"].calls == 3  # then it is ejected
    assert both.loads() == {"a": (0, 3), "b": (0, 0)}


async def test_when_nobody_takes_it_it_is_refused() -> None:
    """Each backend is tried once."""
    both = world(a=Played(NothingSent()), b=Played(NothingSent()))
    with pytest.raises(UpstreamUnavailable) as caught:
        await both.call()
    assert not isinstance(caught.value, NothingSent)
    assert both.calls == 2


@pytest.mark.parametrize("error", [UpstreamUnavailable, UpstreamTimedOut])
async def test_what_was_sent_is_never_sent_again(error: type[UpstreamUnavailable]) -> None:
    """A call that killed one backend is not taken to the next; slowness is no failure."""
    both = world(a=Played(error()), b=Played(error()))
    with pytest.raises(error):
        await both.call()
    assert both.calls == 1
    failures = sum(failed for _, failed in both.loads().values())
    assert failures == (error is UpstreamUnavailable)


async def test_a_broken_answer_is_a_failure_and_an_unread_one_is_not() -> None:
    """Cut answers count against the backend, callers who leave do not."""
    cut = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\nzz"
    one = world(a=Played(cut))
    with pytest.raises(UpstreamUnavailable):
        await one.call()
    assert one.loads() == {"a": (0, 1)}
    one.played["a"].does = reply(503)
    await one.call()
    assert one.loads() == {"a": (0, 2)}
    one.played["a"].does = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello"
    answer = await one.upstream.send(CALL)
    assert one.loads() == {"a": (1, 2)}
    await answer.close()
    await answer.close()
    assert one.loads() == {"a": (0, 2)}


async def test_a_caller_who_leaves_before_the_head_frees_the_place() -> None:
    """Cancelled in the middle of a call, nothing stays behind."""
    one = world(a=Played(b"HTTP/1.1 200 OK\r\n"))
    task = asyncio.create_task(one.call())
    await until(lambda: one.loads() == {"a": (1, 0)})
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert one.loads() == {"a": (0, 0)}


async def test_ready_means_that_one_backend_can_serve() -> None:
    """The first question asks the backends; then what the checks found counts."""
    both = world(a=Played(), b=Played())
    both.played["a"].healthy = None
    assert await both.upstream.is_healthy()
    both.played["b"].healthy = False
    await both.upstream.check()
    assert await both.upstream.is_healthy()  # one failed check is none
    await both.upstream.check()
    assert not await both.upstream.is_healthy()
    both.played["a"].healthy = True
    await both.upstream.check()
    assert await both.upstream.is_healthy()


async def test_a_hung_backend_gets_no_calls() -> None:
    """One whose checks time out is left alone until it answers again."""
    both = world(a=Played(), b=Played())
    both.played["a"].healthy = None
    await both.upstream.check()
    for number in range(10):
        await both.call(UpstreamRequest("POST", "/", b"", model="m", client_id=f"c-{number}"))
    assert both.played["a"].calls == 0


async def test_lists_of_models_are_put_together() -> None:
    """One backend of each kind is asked; each model is there once."""
    sets = {"a": frozenset({"m"}), "b": frozenset({"m"}), "c": frozenset({"m", "n"})}
    three = World(sets.__getitem__, a=Played(models("m")), b=Played(), c=Played(models("m", "n")))
    three.played["b"].does = three.played["a"].does
    listed = orjson.loads(await three.call(LIST))
    assert [entry["id"] for entry in listed["data"]] == ["m", "n"]
    assert three.calls == 2
    three.played["c"].does = UpstreamUnavailable()
    assert [entry["id"] for entry in orjson.loads(await three.call(LIST))["data"]] == ["m"]
    for name in "ab":
        three.played[name].does = reply(body=b"rubbish")
    with pytest.raises(UpstreamUnavailable):
        await three.call(LIST)
    assert all(load.outstanding == 0 for load in three.balancer.loads())


async def test_equal_backends_are_asked_for_one_list() -> None:
    """Where all serve the same the list comes as it is."""
    both = world(a=Played(models("m")), b=Played(models("m")))
    assert await both.call(LIST) == orjson.dumps({"data": [{"id": "m"}]})
    assert both.calls == 1
