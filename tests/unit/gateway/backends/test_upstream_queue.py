"""The queue before the backends."""

from __future__ import annotations

import asyncio

import pytest

from gateway.backends.upstream_queue import QueueRules, UpstreamQueue
from gateway.core.balancer import Backend, Balancer, BalanceRules, Lease, Outcome
from gateway.core.errors import Overloaded, StoreUnavailable, UpstreamUnavailable
from gateway.core.upstream_port import UpstreamRequest


def call(client_id: str = "c", model: str = "m") -> UpstreamRequest:
    """Return a call."""
    return UpstreamRequest("POST", "/", b"{}", model=model, client_id=client_id)


def queue(*names: str, limit: int = 1, **rules: float) -> UpstreamQueue:
    """Return a queue before backends that take *limit* calls each."""
    balancer = Balancer([Backend(name) for name in names], BalanceRules(limit))
    return UpstreamQueue(balancer, rules=QueueRules(**rules))  # type: ignore[arg-type]


def outstanding(waiting: UpstreamQueue) -> int:
    """Return how many calls are under way."""
    return sum(load.outstanding for load in waiting.balancer.loads())


async def started(*calls: asyncio.Future[Lease]) -> None:
    """Let what was begun come to where it waits."""
    for _ in range(3):
        await asyncio.sleep(0)
    assert not any(one.done() for one in calls)


async def test_who_waits_is_served_in_order() -> None:
    """A place that is given back goes to the first who waits, not to who comes later."""
    line = queue("a")
    lease = await line.take(call())
    first = asyncio.create_task(line.take(call("first")))
    second = asyncio.create_task(line.take(call("second")))
    await started(first, second)
    line.end(lease, Outcome.COMPLETED)
    third = asyncio.create_task(line.take(call("third")))
    lease = await first
    await started(second, third)
    line.end(lease, Outcome.COMPLETED)
    line.end(await second, Outcome.COMPLETED)
    line.end(await third, Outcome.COMPLETED)
    assert outstanding(line) == 0


async def test_a_long_queue_is_refused_at_once() -> None:
    """While a backend hangs nothing piles up before it."""
    line = queue("a", waiting=2)
    await line.take(call())
    waiting = [asyncio.create_task(line.take(call())) for _ in range(2)]
    await started(*waiting)
    with pytest.raises(Overloaded):
        await line.take(call())
    for one in waiting:
        one.cancel()


async def test_a_long_wait_is_refused() -> None:
    """Nobody waits longer than allowed, and who gave up takes no place from others."""
    line = queue("a", seconds=0.02)
    lease = await line.take(call())
    with pytest.raises(Overloaded):
        await line.take(call())
    line.end(lease, Outcome.COMPLETED)
    assert outstanding(line) == 0
    assert (await line.take(call())).name == "a"


async def test_who_leaves_while_the_place_is_given_gives_it_back() -> None:
    """A place is never lost, whenever the caller leaves."""
    line = queue("a")
    lease = await line.take(call())
    leaving = asyncio.create_task(line.take(call()))
    await started(leaving)
    line.end(lease, Outcome.COMPLETED)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    assert outstanding(line) == 0


async def test_memory_is_bounded() -> None:
    """Bodies that wait or are under way have a limit together; each counts once, until it ends."""
    line = queue("a", max_bytes=5, seconds=0.02)
    lease = await line.take(call())  # its body has two bytes
    with pytest.raises(Overloaded):
        await line.take(call())  # waits, and is forgotten
    waiting = asyncio.create_task(line.take(call()))
    await started(waiting)
    with pytest.raises(Overloaded, match="as large"):
        await line.take(call())
    line.end(lease, Outcome.COMPLETED)
    line.end(lease, Outcome.COMPLETED)
    line.end(await waiting, Outcome.COMPLETED)
    assert (await line.take(UpstreamRequest("POST", "/", b"12345", model="m"))).size == 5


async def test_who_waits_for_a_server_that_died_is_told() -> None:
    """When no usable server is left there is nothing to wait for."""
    line = queue("a")
    lease = await line.take(call())
    waiting = asyncio.create_task(line.take(call()))
    await started(waiting)
    line.balancer.note_check("a", healthy=False, now=0)
    line.end(lease, Outcome.FAILED)
    with pytest.raises(UpstreamUnavailable):
        await waiting


async def test_models_do_not_wait_for_each_other() -> None:
    """A model whose servers are full holds up no other."""
    balancer = Balancer(
        [Backend("a", frozenset({"m"})), Backend("b", frozenset({"n"}))], BalanceRules(1)
    )
    line = UpstreamQueue(balancer)
    await line.take(call(model="m"))
    waiting = asyncio.create_task(line.take(call(model="m")))
    await started(waiting)
    assert (await line.take(call(model="n"))).name == "b"
    waiting.cancel()


async def test_a_drained_backend_gets_no_new_call() -> None:
    """Its running calls go on; once it is back it is used again."""
    drained: set[str] = set()
    line = UpstreamQueue(Balancer([Backend("a")]), drained=lambda: drained)
    running = await line.take(call())
    drained.add("a")
    with pytest.raises(UpstreamUnavailable):
        await line.take(call())
    assert outstanding(line) == 1
    drained.clear()
    await line.take(call())
    line.end(running, Outcome.COMPLETED)


async def test_without_the_store_nothing_is_sent() -> None:
    """What may be drained is not guessed."""

    def drained() -> frozenset[str]:
        raise StoreUnavailable

    line = UpstreamQueue(Balancer([Backend("a")]), drained=drained)
    line.balancer.note_check("a", healthy=True, now=0)
    assert not line.has_usable()
    with pytest.raises(StoreUnavailable):
        await line.take(call())
