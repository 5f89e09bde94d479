"""The queue before the backends."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.backends.upstream_queue import QueueRules, UpstreamQueue
from gateway.core.balancer import Backend, Balancer, BalanceRules, Lease, Outcome
from gateway.core.errors import Overloaded, RateLimited, StoreUnavailable, UpstreamUnavailable
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
    """Among equals a place goes to the first who waits, not to who comes later."""
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


async def taken(line: UpstreamQueue, client_id: str) -> list[Lease]:
    """Return all places that this client can have at once."""
    leases = []
    while lease := line.balancer.find_place("m", client_id, now=0):
        leases.append(lease)
    return leases


async def test_the_client_with_the_fewest_calls_is_next() -> None:
    """One call of another client waits behind none of the many that came before it."""
    line = queue("a", limit=4)
    leases = await taken(line, "many")
    many = [asyncio.create_task(line.take(call("many"))) for _ in range(3)]
    await started(*many)
    few = asyncio.create_task(line.take(call("few")))
    await started(few)
    line.end(leases.pop(), Outcome.COMPLETED)
    assert (await few).client_id == "few"
    await started(*many)
    for one in many:
        one.cancel()


async def test_places_that_come_together_are_shared() -> None:
    """Of two that are free at once the client that came first gets one, and the next the other."""
    line = queue("a", limit=2)
    leases = [await line.take(call(name)) for name in ("x", "y")]
    first = [asyncio.create_task(line.take(call("first"))) for _ in range(2)]
    await started(*first)
    second = asyncio.create_task(line.take(call("second")))
    await started(second)
    for lease in leases:
        lease.end(Outcome.COMPLETED, now=0)
    line.serve()
    assert (await first[0]).client_id == "first"
    assert (await second).client_id == "second"
    await started(first[1])
    first[1].cancel()


class AskedBalancer(Balancer):
    """Counts how often it is asked for the calls of a client."""

    asked = 0

    def calls_of(self, client_id: str) -> int:
        """Return as ever."""
        self.asked += 1
        return super().calls_of(client_id)


async def test_looking_for_who_is_next_grows_with_who_waits_alone() -> None:
    """Not with the number of models too: each end of a call and each refusal has to look."""
    models = [f"m{number}" for number in range(8)]
    balancer = AskedBalancer(
        [Backend(name, frozenset({name})) for name in models], BalanceRules(max_outstanding=1)
    )
    line = UpstreamQueue(balancer)
    for name in models:
        await line.take(call(name, model=name))
    waiting = [
        asyncio.create_task(line.take(call(f"{name}-{number}", model=name)))
        for name in models
        for number in range(8)
    ]
    await started(*waiting)
    balancer.asked = 0
    line.serve()
    assert 0 < balancer.asked <= 2 * len(waiting)
    for one in waiting:
        one.cancel()


async def test_who_has_its_share_is_told_so_while_others_are_served() -> None:
    """Beyond its share of places and queue a client gets 429 at once; there is still room."""
    line = queue("a", limit=34, waiting=6, seconds=0.05)
    assert len(await taken(line, "many")) == 32
    many = [asyncio.create_task(line.take(call("many"))) for _ in range(4)]
    await started(*many)
    with pytest.raises(RateLimited) as caught:
        await line.take(call("many"))
    assert caught.value.retry_after_seconds == 1
    assert (await line.take(call("few"))).name == "a"
    for one in many:  # and so do those who waited in vain
        with pytest.raises(RateLimited):
            await one


async def test_the_queue_has_room_for_other_clients() -> None:
    """When no place is left at all, a client that has none may still wait."""
    line = queue("a", limit=2, waiting=6)
    leases = await taken(line, "many")
    many = [asyncio.create_task(line.take(call("many"))) for _ in range(4)]
    await started(*many)
    with pytest.raises(RateLimited):
        await line.take(call("many"))
    few = asyncio.create_task(line.take(call("few")))
    await started(few)
    line.end(leases.pop(), Outcome.COMPLETED)
    assert (await few).client_id == "few"
    for one in many:
        one.cancel()


async def test_who_would_wait_too_long_is_refused_at_once() -> None:
    """From how long calls take it is foreseen who would wait in vain; who is sooner may wait."""
    now = [0.0]
    balancer = Balancer([Backend("a")], BalanceRules(1))
    line = UpstreamQueue(balancer, rules=QueueRules(seconds=5.0), monotonic=lambda: now[0])
    before = await line.take(call())
    now[0] = 2.0
    line.end(before, Outcome.COMPLETED)
    lease = await line.take(call("c"))
    waiting = [asyncio.create_task(line.take(call(f"c-{number}"))) for number in range(2)]
    await started(*waiting)
    with pytest.raises(Overloaded):  # after two others, so in the sixth second
        await line.take(call("late"))
    waiting[0].cancel()
    await asyncio.sleep(0)
    last = asyncio.create_task(line.take(call("late")))
    await started(last, waiting[1])
    line.end(lease, Outcome.COMPLETED)
    line.end(await waiting[1], Outcome.COMPLETED)
    assert (await last).client_id == "late"


async def test_bodies_of_one_client_leave_room_for_others() -> None:
    """One client's bodies cannot be all that is held."""
    line = queue("a", limit=100, max_bytes=34)  # the body of a call has two bytes
    for _ in range(16):
        await line.take(call("many"))
    with pytest.raises(RateLimited):
        await line.take(call("many"))
    await line.take(call("few"))


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


_EVENTS = st.lists(
    st.tuples(st.sampled_from(["call", "call", "end", "leave"]), st.integers(0, 99)), max_size=60
)


@given(_EVENTS)
def test_no_history_breaks_the_rules(events: list[tuple[str, int]]) -> None:
    """No bound is crossed, no place and no waiter is lost, whoever comes, ends and leaves."""
    asyncio.run(_play(events))


async def _play(events: list[tuple[str, int]]) -> None:
    line = queue("a", limit=3, waiting=4)
    begun: list[asyncio.Task[Lease]] = []
    served: list[Lease] = []
    for event, number in events:
        if event == "call":
            begun.append(asyncio.create_task(line.take(call(f"c-{number % 4}"))))
        elif event == "end" and served:
            line.end(served.pop(number % len(served)), Outcome.COMPLETED)
        elif event == "leave" and begun:
            begun[number % len(begun)].cancel()
        await _settle(begun, served)
        assert outstanding(line) == len(served) <= 3
        assert len(begun) <= 4
        assert not begun or len(served) == 3  # nobody waits for a place that is there
    while served:
        line.end(served.pop(), Outcome.COMPLETED)
        await _settle(begun, served)
    assert (begun, outstanding(line)) == ([], 0)


async def _settle(begun: list[asyncio.Task[Lease]], served: list[Lease]) -> None:
    """Let all that can happen happen, and take what is over out of *begun*."""
    for _ in range(5):
        await asyncio.sleep(0)
    for task in [one for one in begun if one.done()]:
        begun.remove(task)
        if not task.cancelled() and task.exception() is None:
            served.append(task.result())
        elif not task.cancelled():
            assert isinstance(task.exception(), Overloaded | RateLimited)
