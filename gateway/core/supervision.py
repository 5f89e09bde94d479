"""Which workers a supervisor starts, drains, stops and kills: decisions alone, no process.

Whatever happens goes in with the time, orders come out. While a configuration is replaced there is
always a worker that serves: the new one is ready before the old one is drained, one after the
other, and a configuration under which not even the first becomes ready is refused (ADR-0024).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final, NamedTuple

START_SECONDS: Final = 60.0
"""A worker that is not ready by then is killed; a busy machine takes about ten."""

SETTLED_SECONDS: Final = 10.0
"""Who has served for so long did not die of its start."""

MAX_DEATHS: Final = 5
"""So many early deaths in a row in one place end the service: the next would be no other."""

_FIRST_PAUSE_SECONDS: Final = 0.5
_MAX_PAUSE_SECONDS: Final = 10.0
_AT_ONCE_SECONDS: Final = 2.0  # for what was told to stop at once, or has not begun to serve
_SPARE_SECONDS: Final = 15.0  # beyond the time in which a worker ends by itself


class Do(Enum):
    """What is to be done with a worker, or with all."""

    START = auto()
    DRAIN = auto()
    STOP = auto()
    KILL = auto()
    ANNOUNCE = auto()
    """All workers of the first configuration are ready."""

    ACCEPT = auto()
    """All workers have the new configuration."""

    REFUSE = auto()
    """The new configuration is no good; the one of before is still served."""

    END = auto()


class Order(NamedTuple):
    """One thing to do. *worker* is its number, *generation* that of its configuration."""

    do: Do
    worker: int = 0
    generation: int = 0


@dataclass(frozen=True, slots=True)
class Terms:
    """What the configuration of a worker says: how many serve, and how long each takes to end."""

    count: int
    stop_seconds: float = 0.0
    drain_seconds: float = 0.0


class _Phase(Enum):
    STARTING = auto()
    SERVING = auto()
    LEAVING = auto()


@dataclass(slots=True)
class _Worker:
    place: int
    generation: int
    since: float
    phase: _Phase = _Phase.STARTING
    kill_at: float = float("inf")


@dataclass(slots=True)
class _Place:
    deaths: int = 0
    not_before: float = field(default=float("-inf"))


class Supervision:
    """The workers of one service, from the first start to the end. Every method returns orders."""

    def __init__(self, count: int) -> None:
        self._terms = Terms(count)
        self._places = [_Place() for _ in range(count)]
        self._workers: dict[int, _Worker] = {}
        self._last_worker = 0
        self._last_generation = 0
        self._target = 0
        self._good: int | None = None  # the newest generation of which a worker was ready
        self._told = -1  # the generation of which was said that all have it
        self._stops = 0
        self._is_over = False
        self.failure: str | None = None
        """Why the service ends although nobody said so."""

    def start(self, now: float) -> list[Order]:
        """Begin the service."""
        return list(self._settle(now))

    def ready(self, worker: int, terms: Terms, now: float) -> list[Order]:
        """Note that *worker* serves from now on, and what its configuration says."""
        known = self._workers[worker]
        if known.phase is not _Phase.STARTING:
            return []
        known.phase, known.since, known.kill_at = _Phase.SERVING, now, float("inf")
        if self._good is None:
            self._target = self._last_generation  # of a reload that was told before anybody served
        self._good, self._terms = known.generation, terms
        missing = terms.count - len(self._places)
        self._places += [_Place() for _ in range(missing)]
        return list(self._settle(now))

    def reload(self, now: float) -> list[Order]:
        """Go over to a new configuration, whose number is one more than that of the last.

        While nobody serves yet the first configuration has to prove itself before.
        """
        self._last_generation += 1
        if self._stops or self._good is None:
            return []
        self._target = self._last_generation
        starting = self._in(_Phase.STARTING)
        overtaken = [n for n in starting if self._workers[n].generation != self._good]
        return [*self._leave(overtaken, Do.STOP, now + _AT_ONCE_SECONDS), *self._settle(now)]

    def exited(self, worker: int, now: float) -> list[Order]:
        """Note that *worker* has ended, of itself or because it was told to."""
        known = self._workers.pop(worker)
        if known.phase is _Phase.LEAVING:
            return list(self._settle(now))
        if self._good is None:
            return self._fail("no worker starts", now)
        if known.generation == self._target != self._good:
            self._target = self._good
            return [Order(Do.REFUSE), *self._settle(now)]
        place = self._places[known.place]
        if known.phase is _Phase.SERVING and now - known.since >= SETTLED_SECONDS:
            place.deaths = 0
        else:
            place.deaths += 1
            pause = _FIRST_PAUSE_SECONDS * 2 ** (place.deaths - 1)
            place.not_before = now + min(pause, _MAX_PAUSE_SECONDS)
        if place.deaths >= MAX_DEATHS:
            return self._fail(f"a worker ended {MAX_DEATHS} times in a row at its start", now)
        return list(self._settle(now))

    def stop(self, now: float) -> list[Order]:
        """End the service: the first time as the workers' configuration says, then at once."""
        self._stops += 1
        seconds = self._terms.stop_seconds + _SPARE_SECONDS
        kill_at = now + (seconds if self._stops == 1 else _AT_ONCE_SECONDS)
        return [*self._leave(list(self._workers), Do.STOP, kill_at), *self._settle(now)]

    def tick(self, now: float) -> list[Order]:
        """Do what is due. To be called no later than :meth:`next_at` says."""
        late = [number for number, worker in self._workers.items() if now >= worker.kill_at]
        for number in late:
            self._workers[number].kill_at = float("inf")
        return [*(Order(Do.KILL, number) for number in late), *self._settle(now)]

    def next_at(self, now: float) -> float | None:
        """Return when something is due next, or None when nothing is."""
        times = [worker.kill_at for worker in self._workers.values()]
        times += [place.not_before for place in self._places if place.not_before > now]
        return min((time for time in times if time != float("inf")), default=None)

    def _fail(self, why: str, now: float) -> list[Order]:
        self.failure = self.failure or why
        return self.stop(now)

    def _settle(self, now: float) -> Iterator[Order]:
        """Compare what is with what should be; order what brings it nearer."""
        if self._stops:
            if not self._workers and not self._is_over:
                self._is_over = True
                yield Order(Do.END)
            return
        for place in range(len(self._places)):
            yield from self._fill(place, now)
        serving = self._in(_Phase.SERVING)
        is_done = len(serving) == self._terms.count and not self._in(_Phase.STARTING)
        if is_done and self._told != self._target:
            yield Order(Do.ANNOUNCE if self._told < 0 else Do.ACCEPT)
            self._told = self._target

    def _fill(self, place: int, now: float) -> Iterator[Order]:
        here = [n for n in self._in(_Phase.SERVING) if self._workers[n].place == place]
        newest = [n for n in here if self._workers[n].generation == self._target]
        starting = self._in(_Phase.STARTING)
        if newest or place >= self._terms.count:
            stays = newest[:1] if place < self._terms.count else []
            kill_at = now + self._terms.drain_seconds + _SPARE_SECONDS
            yield from self._leave([n for n in here if n not in stays], Do.DRAIN, kill_at)
        elif any(self._workers[n].place == place for n in starting) or (here and starting):
            return  # it comes, or another place's turn is not over
        elif now >= self._places[place].not_before and self._may_add(place):
            self._last_worker += 1
            self._workers[self._last_worker] = _Worker(
                place, self._target, now, kill_at=now + START_SECONDS
            )
            yield Order(Do.START, self._last_worker, self._target)

    def _may_add(self, place: int) -> bool:
        """Return whether a worker of the target may start: only one before it has proved itself."""
        is_proven = self._target == self._good or self._good is None
        others = [n for n in self._in(_Phase.STARTING) if self._workers[n].place != place]
        return is_proven or not others

    def _leave(self, numbers: list[int], do: Do, kill_at: float) -> Iterator[Order]:
        for number in numbers:
            worker = self._workers[number]
            worker.phase, worker.kill_at = _Phase.LEAVING, kill_at
            yield Order(do, number)

    def _in(self, phase: _Phase) -> list[int]:
        return [number for number, worker in self._workers.items() if worker.phase is phase]
