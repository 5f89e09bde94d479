"""Decisions of the supervisor, played through without a process."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.supervision import (
    MAX_DEATHS,
    SETTLED_SECONDS,
    START_SECONDS,
    Do,
    Order,
    Supervision,
    Terms,
)


class Play:
    """A supervision and the workers that its orders make; the test lets them live and die."""

    def __init__(self, count: int = 2) -> None:
        self.now = 0.0
        self.count = count
        self.supervision = Supervision(count)
        self.generations: dict[int, int] = {}
        self.serving: set[int] = set()
        self.leaving: set[int] = set()
        self.told: list[Do] = []
        self.take(self.supervision.start(0.0))

    @property
    def starting(self) -> list[int]:
        return sorted(self.generations.keys() - self.serving - self.leaving)

    def take(self, orders: list[Order]) -> list[Order]:
        for order in orders:
            if order.do is Do.START:
                self.generations[order.worker] = order.generation
            elif order.do in {Do.DRAIN, Do.STOP}:
                self.leaving.add(order.worker)
                self.serving.discard(order.worker)
            else:
                self.told.append(order.do)
        return orders

    def ready(self, worker: int) -> list[Order]:
        self.serving.add(worker)
        terms = Terms(self.count, stop_seconds=30, drain_seconds=100)
        return self.take(self.supervision.ready(worker, terms, self.now))

    def dies(self, worker: int) -> list[Order]:
        del self.generations[worker]
        self.serving.discard(worker)
        self.leaving.discard(worker)
        return self.take(self.supervision.exited(worker, self.now))

    def passes(self, seconds: float) -> list[Order]:
        self.now += seconds
        return self.take(self.supervision.tick(self.now))

    def reload(self) -> list[Order]:
        return self.take(self.supervision.reload(self.now))

    def all_ready(self) -> None:
        while self.starting:
            self.ready(self.starting[0])


def running(count: int = 2) -> Play:
    play = Play(count)
    play.all_ready()
    return play


def test_all_workers_start_and_are_announced_once() -> None:
    """The service is announced when the last worker is ready, not before and not again."""
    play = Play(3)
    assert play.starting == [1, 2, 3]
    play.ready(1)
    play.ready(2)
    assert play.told == []
    play.ready(3)
    assert play.told == [Do.ANNOUNCE]
    assert play.passes(1000) == []


def test_service_whose_first_worker_does_not_start_ends() -> None:
    """A configuration that cannot be served is no reason to try again and again."""
    play = Play()
    play.dies(1)
    assert play.leaving == {2}
    play.dies(2)
    assert play.told == [Do.END]
    assert play.supervision.failure


def test_dead_worker_is_replaced_and_others_stay() -> None:
    """After a long life at once."""
    play = running()
    play.passes(SETTLED_SECONDS)
    play.dies(1)
    assert play.starting == [3]
    assert play.serving == {2}


def test_early_deaths_are_answered_later_and_later_then_never() -> None:
    """A worker that dies of its start is given a pause that grows, and in the end up."""
    play = running()
    pauses = []
    for _ in range(MAX_DEATHS - 1):
        (victim,) = {*play.serving, *play.starting} - {2}
        play.dies(victim)
        began = play.now
        while not play.starting:
            due = play.supervision.next_at(play.now)
            assert due is not None
            play.passes(due - play.now)
        pauses.append(play.now - began)
    assert pauses == sorted(pauses)
    assert pauses[0] < pauses[-1]
    play.dies(play.starting[0])
    assert play.leaving == {2}
    play.dies(2)
    assert play.told[-1] is Do.END
    assert play.supervision.failure


def test_worker_that_never_gets_ready_is_killed() -> None:
    """One that hangs at its start does not hang the service."""
    play = running()
    play.passes(SETTLED_SECONDS)
    play.dies(1)
    assert play.passes(START_SECONDS) == [Order(Do.KILL, 3)]
    assert play.passes(START_SECONDS) == []


def test_new_configuration_goes_round_one_by_one() -> None:
    """A new worker is ready before the old one is drained, and only then comes the next."""
    play = running()
    play.reload()
    assert (play.starting, play.serving) == ([3], {1, 2})
    play.ready(3)
    assert (play.starting, play.serving, play.leaving) == ([4], {2, 3}, {1})
    play.ready(4)
    assert (play.starting, play.serving, play.leaving) == ([], {3, 4}, {1, 2})
    assert play.told == [Do.ANNOUNCE, Do.ACCEPT]
    assert {play.generations[n] for n in play.serving} == {1}


def test_bad_configuration_changes_nothing() -> None:
    """When its first worker ends before it is ready the old ones serve on, and that is told."""
    play = running()
    play.reload()
    play.dies(3)
    assert (play.starting, play.serving, play.leaving) == ([], {1, 2}, set())
    assert play.told == [Do.ANNOUNCE, Do.REFUSE]
    play.passes(SETTLED_SECONDS)
    play.dies(1)
    assert play.generations[play.starting[0]] == 0


def test_configuration_that_hangs_is_refused() -> None:
    """A first worker that is never ready is killed, and with that refused."""
    play = running()
    play.reload()
    assert play.passes(START_SECONDS) == [Order(Do.KILL, 3)]
    play.dies(3)
    assert play.told[-1] is Do.REFUSE


def test_later_configuration_overtakes_an_earlier_one() -> None:
    """Of two in a row the later one is served; what the earlier one began is stopped."""
    play = running()
    play.reload()
    assert Order(Do.STOP, 3) in play.reload()
    play.dies(3)
    play.all_ready()
    assert {play.generations[n] for n in play.serving} == {2}
    assert Do.REFUSE not in play.told


def test_configuration_may_change_the_number() -> None:
    """Workers that are missing start, those too many are drained."""
    play = running()
    play.count = 4
    play.reload()
    play.all_ready()
    assert len(play.serving) == 4
    play.count = 1
    play.reload()
    play.all_ready()
    assert len(play.serving) == 1
    assert play.told == [Do.ANNOUNCE, Do.ACCEPT, Do.ACCEPT]


def test_stop_gives_time_and_a_second_one_none() -> None:
    """Workers are told to stop, then killed: after their own grace, or soon when told again."""
    play = running()
    play.take(play.supervision.stop(play.now))
    assert play.leaving == {1, 2}
    assert play.passes(30) == []
    play.take(play.supervision.stop(play.now))
    assert play.passes(2) == [Order(Do.KILL, 1), Order(Do.KILL, 2)]
    play.dies(1)
    play.dies(2)
    assert play.told[-1] is Do.END
    assert play.supervision.failure is None


def test_stop_of_a_drained_worker_is_the_first_for_it() -> None:
    """Who still finishes answers from before a reload is stopped with the others."""
    play = running()
    play.reload()
    play.all_ready()
    orders = play.take(play.supervision.stop(play.now))
    assert {order.worker for order in orders} == {1, 2, 3, 4}


@given(st.lists(st.tuples(st.sampled_from("rdtc"), st.integers(0, 9)), max_size=60))
def test_while_nobody_dies_somebody_serves(steps) -> None:
    """Whatever comes between readiness, time, reloads and bad configurations: one always serves."""
    play = running()
    for what, which in steps:
        if what == "r" and play.starting:
            play.ready(play.starting[which % len(play.starting)])
        elif what == "d" and (ending := [*play.starting, *sorted(play.leaving)]):
            play.dies(ending[which % len(ending)])
            if play.supervision.failure:
                return
        elif what == "t":
            play.passes(which)
        elif what == "c":
            play.reload()
        assert play.serving
        assert len(play.starting) <= 2


def test_reload_before_anybody_serves_is_not_lost() -> None:
    """The configuration of a SIGHUP that comes too early follows once the first one serves."""
    play = Play()
    play.reload()
    play.ready(1)
    assert play.told == []
    play.all_ready()
    assert {play.generations[worker] for worker in play.serving} == {1}
    assert play.told == [Do.ANNOUNCE]


def test_bad_reload_before_anybody_serves_is_refused() -> None:
    """The first configuration is served and announced although the next is no good."""
    play = Play()
    play.reload()
    for worker in (1, 2):
        play.ready(worker)
    play.dies(play.starting[0])
    assert play.told == [Do.REFUSE, Do.ANNOUNCE]
    assert {play.generations[worker] for worker in play.serving} == {0}
