"""The choice of a backend."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.balancer import Backend, Balancer, BalanceRules, Lease, Outcome
from gateway.core.errors import UpstreamUnavailable

NAMES = ("a", "b", "c")
CLIENTS = [f"c-{number}" for number in range(300)]


def balancer(*names: str, **rules: object) -> Balancer:
    """Return a balancer over backends that serve everything."""
    backends = [Backend(name) for name in names or NAMES]
    return Balancer(backends, BalanceRules(**rules))  # type: ignore[arg-type]


def place(chosen: Balancer, client_id: str = "c", *, model: str = "m", **how: object) -> Lease:
    """Return a place that must be there."""
    lease = chosen.find_place(model, client_id, now=0, **how)  # type: ignore[arg-type]
    assert lease is not None
    return lease


def favourite(chosen: Balancer, client_id: str, **how: object) -> str:
    """Return where an idle system sends this client."""
    lease = place(chosen, client_id, **how)
    lease.end(Outcome.COMPLETED, now=0)
    return lease.name


def test_a_client_stays_where_its_prefixes_are_cached() -> None:
    """One client always goes to one backend, many clients to all of them."""
    chosen = balancer()
    homes = {client_id: favourite(chosen, client_id) for client_id in CLIENTS}
    assert homes == {client_id: favourite(chosen, client_id) for client_id in CLIENTS}
    assert all(count > 60 for count in Counter(homes.values()).values())
    assert set(homes.values()) == set(NAMES)


def test_only_clients_of_a_lost_backend_move() -> None:
    """When a backend is drained all others keep their clients."""
    chosen = balancer()
    for client_id in CLIENTS:
        before, after = favourite(chosen, client_id), favourite(chosen, client_id, avoided={"b"})
        assert before in {after, "b"}
        assert after != "b"


def test_a_favourite_with_clearly_more_to_do_is_spared() -> None:
    """One client alone fills its favourite up to a margin, then the others too."""
    chosen = balancer(spill_factor=1.25, spill_calls=4)
    first = [place(chosen).name for _ in range(5)]
    assert len(set(first)) == 1
    for _ in range(295):
        place(chosen)
    counts = [load.outstanding for load in chosen.loads()]
    assert sum(counts) == 300
    assert max(counts) <= 1.25 * min(counts) + 5


def test_a_model_goes_where_it_is_served() -> None:
    """A backend that names its models gets no other; one that names none gets all."""
    chosen = Balancer([Backend("x", frozenset({"m", "n"})), Backend("y", frozenset({"n"}))])
    assert {place(chosen, c, model="m").name for c in CLIENTS[:20]} == {"x"}
    assert {place(chosen, c, model="n").name for c in CLIENTS[:20]} == {"x", "y"}
    with pytest.raises(UpstreamUnavailable):
        place(chosen, model="other")
    general = Balancer([Backend("x", frozenset({"m"})), Backend("y")])
    assert place(general, model="other").name == "y"


def test_a_full_system_has_no_place_and_says_so_otherwise_than_a_dead_one() -> None:
    """None is "wait"; an error is "there is nothing to wait for"."""
    chosen = balancer("a", "b", max_outstanding=2)
    leases = [place(chosen) for _ in range(4)]
    assert chosen.find_place("m", "c", now=0) is None
    leases[0].end(Outcome.NO_VERDICT, now=0)
    assert place(chosen).name == leases[0].name
    for name in "ab":
        chosen.note_check(name, healthy=False, now=0)
    with pytest.raises(UpstreamUnavailable):
        chosen.find_place("m", "c", now=0)


def test_one_client_leaves_places_to_others() -> None:
    """However many calls a client makes, another finds a place; both then have the same."""
    chosen = balancer("a", "b", max_outstanding=34)
    while chosen.find_place("m", "many", now=0):
        pass
    assert (chosen.calls_of("many"), chosen.places_left("m", now=0)) == (64, 4)
    few = [place(chosen, "few") for _ in range(3)]
    assert chosen.find_place("m", "many", now=0) is None
    assert chosen.places_left("m", now=0, avoided={"a", "b"}) == 0
    for lease in few:
        lease.end(Outcome.COMPLETED, now=0)
        lease.end(Outcome.COMPLETED, now=0)
    assert chosen.calls_of("few") == 0


def test_a_wait_is_foreseen_by_how_long_calls_take() -> None:
    """With two at work of ten seconds each, a place comes every five; at first nobody knows."""
    chosen = balancer("a", max_outstanding=3)
    leases = [place(chosen) for _ in range(3)]
    assert chosen.expected_wait("m", 5, now=0) == 0
    leases[0].end(Outcome.COMPLETED, now=10)
    assert chosen.expected_wait("m", 0, now=10) == pytest.approx(5)
    assert chosen.expected_wait("m", 3, now=10) == pytest.approx(20)
    for _ in range(150):
        place(chosen).end(Outcome.COMPLETED, now=1)
    assert chosen.expected_wait("m", 0, now=10) == pytest.approx(0.5, rel=0.1)


def test_health_takes_two_failed_checks_to_lose_and_one_to_gain() -> None:
    """A single slow check takes no backend out; before the first one it counts as usable."""
    chosen = balancer("a")
    place(chosen)
    assert not chosen.has_usable(now=0)
    chosen.note_check("a", healthy=True, now=0)
    chosen.note_check("a", healthy=False, now=0)
    assert chosen.has_usable(now=0)
    chosen.note_check("a", healthy=False, now=0)
    assert not chosen.has_usable(now=0)
    chosen.note_check("a", healthy=True, now=0)
    assert chosen.has_usable(now=0)
    assert not chosen.has_usable(now=0, avoided={"a"})


def test_failures_eject_and_slow_answers_do_not() -> None:
    """What a caller can bring about by asking for much takes no backend from the others."""
    chosen = balancer("a")
    for _ in range(10):
        place(chosen).end(Outcome.NO_VERDICT, now=0)
    for _ in range(3):
        place(chosen).end(Outcome.FAILED, now=0)
    [load] = chosen.loads()
    assert (load.ejected, load.failures, load.ejections) == (True, 3, 1)
    with pytest.raises(UpstreamUnavailable):
        place(chosen)
    trial = chosen.find_place("m", "c", now=1)
    assert trial is not None
    trial.answered()
    assert not chosen.loads()[0].ejected


def test_a_backend_that_came_back_is_tried_without_delay() -> None:
    """A check that finds it healthy again shortens the wait."""
    chosen = balancer("a")
    for _ in range(3):
        place(chosen).end(Outcome.FAILED, now=0)
    for healthy in (False, True):
        chosen.note_check("a", healthy=healthy, now=0.1)
    assert chosen.find_place("m", "c", now=0.1) is not None


def test_a_place_is_given_back_once() -> None:
    """Ending a call twice neither frees a second place nor counts a second failure."""
    chosen = balancer("a")
    lease = place(chosen)
    place(chosen)
    for _ in range(3):
        lease.end(Outcome.FAILED, now=0)
    [load] = chosen.loads()
    assert (load.outstanding, load.failures) == (1, 1)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["call", "end", "check", "drain", "wait"]),
            st.integers(0, 999),
            st.booleans(),
        ),
        max_size=80,
    )
)
def test_no_history_breaks_the_rules(events: list[tuple[str, int, bool]]) -> None:
    """Counts are those of running calls, no limit is crossed, nothing goes where it must not."""
    chosen = balancer(max_outstanding=3)
    running: list[Lease] = []
    drained: set[str] = set()
    now = 0.0
    for event, number, good in events:
        name = NAMES[number % 3]
        if event == "call":
            usable = {load.name for load in chosen.loads() if load.healthy is not False} - drained
            try:
                lease = chosen.find_place("m", f"c-{number}", now=now, avoided=drained)
            except UpstreamUnavailable:
                lease = None
            if lease is not None:
                assert lease.name in usable
                running.append(lease)
        elif event == "end" and running:
            lease = running.pop(number % len(running))
            lease.end(Outcome.COMPLETED if good else Outcome.FAILED, now=now)
        elif event == "check":
            chosen.note_check(name, healthy=good, now=now)
        elif event == "drain":
            drained ^= {name}
        elif event == "wait":
            now += number / 100
        counts = Counter(lease.name for lease in running)
        for load in chosen.loads():
            assert load.outstanding == counts[load.name] <= 3
