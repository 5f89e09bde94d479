"""Which backend gets the next call: the client's favourite, unless another has clearly less to do.

Sans-IO, time is an argument. A call goes only where its model is served, to a backend that is
healthy, not ejected, not drained and below its limit; if there is none the caller waits or is
refused, and nothing is tried in the hope that it might work. No client takes the last places: some
are left for those who have fewer (ADR-0033).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from hashlib import blake2b
from typing import NamedTuple

from gateway.core.breaker import Breaker, BreakerRules
from gateway.core.errors import UpstreamUnavailable
from gateway.core.fair_share import is_within_share

NONE: Collection[str] = frozenset()

_NEWEST = 1 / 32
"""What the newest call weighs in the mean of a backend: short calls and long ones are mixed."""


class Backend(NamedTuple):
    """One model server by the operator's *name*. No *models* means that it serves every model."""

    name: str
    models: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class BalanceRules:
    """How much one backend gets.

    *max_outstanding* calls at most, in this process. A client gets another place while it has less
    than *share* times as many calls as its model has places left. The favourite of a client is
    spared when it has more than *spill_factor* times the calls of the least busy one, and
    *spill_calls* more.
    *checks_to_fail* health checks in a row must fail before it counts as unhealthy.
    """

    max_outstanding: int = 256
    share: int = 16
    spill_factor: float = 1.25
    spill_calls: int = 4
    checks_to_fail: int = 2
    breaker: BreakerRules = field(default_factory=BreakerRules)


class Outcome(Enum):
    """How a call ended, as far as the backend is to blame."""

    COMPLETED = auto()
    """Its answer came whole."""

    FAILED = auto()
    """It refused the connection, broke off or answered what is no answer."""

    NO_VERDICT = auto()
    """The caller left, or it took too long: a caller can ask for answers that do."""


class BackendLoad(NamedTuple):
    """One backend as it is now. *healthy* is None before the first check."""

    name: str
    models: frozenset[str]
    healthy: bool | None
    ejected: bool
    outstanding: int
    failures: int
    ejections: int


class _State:
    __slots__ = (
        "backend",
        "breaker",
        "failures",
        "healthy",
        "mean_seconds",
        "missed",
        "outstanding",
    )

    def __init__(self, backend: Backend, rules: BreakerRules) -> None:
        self.backend = backend
        self.breaker = Breaker(rules)
        self.outstanding = 0
        self.failures = 0
        self.healthy: bool | None = None
        self.missed = 0
        self.mean_seconds = 0.0

    def note_ended(self, seconds: float) -> None:
        """Note a call that took *seconds* from place to place given back."""
        self.outstanding -= 1
        before = self.mean_seconds or seconds
        self.mean_seconds = before + _NEWEST * (seconds - before)

    def is_usable(self, now: float) -> bool:
        return self.healthy is not False and self.breaker.allows(now)


class Lease:
    """One call's place at a backend. Ends exactly once, however often it is ended.

    *size* is for whoever gives places out to note how large the call is, in bytes.
    """

    __slots__ = ("_began", "_calls", "_is_trial", "_state", "client_id", "name", "size")

    def __init__(self, state: _State, client_id: str, calls: Counter[str], *, now: float) -> None:
        self._state: _State | None = state
        self._began = now
        self._calls = calls
        self.client_id = client_id
        calls[client_id] += 1
        self._is_trial = state.breaker.begin(now)
        self.name = state.backend.name
        self.size = 0
        state.outstanding += 1

    def answered(self) -> None:
        """Note that the head of the answer came."""
        if self._is_trial and self._state is not None:
            self._is_trial = False
            self._state.breaker.answered()

    def end(self, outcome: Outcome, *, now: float) -> None:
        """Give the place back."""
        state, self._state = self._state, None
        if state is None:
            return
        state.note_ended(now - self._began)
        self._calls[self.client_id] -= 1
        if not self._calls[self.client_id]:
            del self._calls[self.client_id]
        if outcome is Outcome.COMPLETED:
            state.breaker.completed()
        elif outcome is Outcome.FAILED:
            state.failures += 1
            state.breaker.failed(now, was_trial=self._is_trial)


class Balancer:
    """The places of all backends. For one event loop; every method returns at once."""

    def __init__(self, backends: Iterable[Backend], rules: BalanceRules | None = None) -> None:
        self._rules = rules or BalanceRules()
        self._states = {b.name: _State(b, self._rules.breaker) for b in backends}
        self._everything = tuple(self._states.values())
        names = {name for state in self._everything for name in state.backend.models}
        self._serving = {name: self._servers_of(name) for name in names}
        self._general = self._servers_of("")
        self._calls: Counter[str] = Counter()

    def find_place(
        self, model: str, client_id: str, *, now: float, avoided: Collection[str] = NONE
    ) -> Lease | None:
        """Return a place for a call to *model* (any backend if that is empty).

        None if all is full or what is left is not for this client. Backends named in *avoided* get
        nothing. Raises ``UpstreamUnavailable`` if none is usable.
        """
        usable = self._usable(model, now, avoided)
        if not usable:
            raise UpstreamUnavailable
        free = self._free(usable)
        mine, left = self._calls[client_id], self._left(free)
        if not is_within_share(mine, left, multiple=self._rules.share):
            return None
        return Lease(self._best(free, client_id), client_id, self._calls, now=now)

    def places_left(self, model: str, *, now: float, avoided: Collection[str] = NONE) -> int:
        """Return how many more calls to *model* could be under way, whoever makes them."""
        return self._left(self._free(self._usable(model, now, avoided)))

    def expected_wait(
        self, model: str, ahead: int, *, now: float, avoided: Collection[str] = NONE
    ) -> float:
        """Return the seconds until *ahead* others and then one more have places for *model*.

        As fast as calls end now, by how long the last ones took; 0 while nobody knows.
        """
        usable = self._usable(model, now, avoided)
        pace = sum(s.outstanding / s.mean_seconds for s in usable if s.mean_seconds > 0)
        return (ahead + 1) / pace if pace else 0.0

    def calls_of(self, client_id: str) -> int:
        """Return how many calls of this client are under way, whatever their model."""
        return self._calls[client_id]

    def note_check(self, name: str, *, healthy: bool, now: float) -> None:
        """Note what a health check found."""
        state = self._states[name]
        if healthy:
            if state.healthy is False:
                state.breaker.recovered(now)
            state.healthy, state.missed = True, 0
            return
        state.missed += 1
        # One that never was healthy is starting: it need not fail twice.
        if state.missed >= self._rules.checks_to_fail or state.healthy is None:
            state.healthy = False

    def has_usable(self, *, now: float, avoided: Collection[str] = NONE) -> bool:
        """Return whether at least one backend is known to be healthy and would get calls."""
        return any(
            s.healthy and s.is_usable(now) and s.backend.name not in avoided
            for s in self._everything
        )

    def loads(self) -> Sequence[BackendLoad]:
        """Return all backends as they are now, in the order in which they were configured."""
        return [
            BackendLoad(
                *s.backend,
                healthy=s.healthy,
                ejected=s.breaker.is_open,
                outstanding=s.outstanding,
                failures=s.failures,
                ejections=s.breaker.ejections,
            )
            for s in self._everything
        ]

    def _usable(self, model: str, now: float, avoided: Collection[str]) -> Sequence[_State]:
        states = self._serving.get(model, self._general) if model else self._everything
        return [s for s in states if s.backend.name not in avoided and s.is_usable(now)]

    def _free(self, usable: Sequence[_State]) -> Sequence[_State]:
        most = self._rules.max_outstanding
        return [s for s in usable if s.outstanding < most]

    def _left(self, free: Sequence[_State]) -> int:
        return self._rules.max_outstanding * len(free) - sum([s.outstanding for s in free])

    def _servers_of(self, model: str) -> tuple[_State, ...]:
        return tuple(
            s for s in self._everything if not s.backend.models or model in s.backend.models
        )

    def _best(self, free: Sequence[_State], client_id: str) -> _State:
        if len(free) == 1:
            return free[0]
        favourite = max(free, key=lambda state: _weight(client_id, state.backend.name))
        least = min(free, key=lambda state: state.outstanding)
        rules = self._rules
        is_busy = favourite.outstanding > (
            rules.spill_factor * least.outstanding + rules.spill_calls
        )
        return least if is_busy else favourite


def _weight(client_id: str, name: str) -> bytes:
    """Return what ranks the backends for one client (rendezvous hashing).

    When a backend comes or goes, only the clients whose favourite it is move: the others keep the
    prefixes that vLLM has cached for them.
    """
    return blake2b(f"{name}\0{client_id}".encode(), digest_size=8).digest()
