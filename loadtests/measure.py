"""One round of one load on one target: connect, start the clock, receive, stop it, then look.

Nothing that arrived is looked at while the clock runs.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import perf_counter

from loadtests.client import Received, Target, chat_body, connect_all, receive_all
from loadtests.invented import VARIANTS, Answer, answer
from loadtests.processes import cpu_seconds, resident_megabytes
from loadtests.reading import (
    Reading,
    find_faults,
    find_gaps,
    find_latencies,
    read_stream,
    read_whole,
)
from loadtests.stats import Row

_SPARE_SECONDS = 60.0
"""How much longer than its schedule a load may take before it is given up."""


@dataclass(frozen=True, slots=True)
class Load:
    """What is asked of each target in one round."""

    name: str
    model: str
    streams: int
    """Requests at the same time."""
    tokens: int
    """Tokens per answer."""
    pace_seconds: float = 0.0
    repeats: int = 1
    """How often within a round, one after the other."""
    streamed: bool = True
    prompt_bytes: int = 0
    """How long the prompt is, beyond a short question."""


@dataclass(frozen=True, slots=True)
class Start:
    """What it took to get a contender going."""

    seconds: float
    """From its start to its first answer."""
    cpu_seconds: float
    idle_megabytes: float
    """Proportional memory (PSS) of the process tree before any load."""


@dataclass(frozen=True, slots=True)
class Contender:
    """A target and the process tree between the client and the model, if there is one."""

    target: Target
    pid: int | None
    redacts: bool | None
    """Whether no personal data may arrive, or all of it must; None is not judged."""
    start: Start | None = None
    share: float = 1.0
    """The share of a load's streams that it gets: less for those that a full load stops."""
    left_out: frozenset[str] = field(default=frozenset())
    """Loads that say nothing about it."""


class Outcome:
    """What several repeats of a load came to; becomes a row."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._seconds = self._cpu = 0.0
        self._requests = 0
        self._first: list[float] = []
        self._latency: list[float] = []
        self._gaps: list[float] = []
        self._faults: list[str] = []

    def add_clock(self, *, seconds: float, cpu: float) -> None:
        """Count the wall and CPU time of one repeat."""
        self._seconds += seconds
        self._cpu += cpu

    def add(self, received: Received, wanted: Answer, *, redacted: bool | None) -> None:
        """Count one answer that should be *wanted*."""
        self._requests += 1
        reading = _read(received, self._load)
        if reading is None:
            self._faults.append(received.error or f"status {received.status}")
            return
        self._faults += find_faults(reading, wanted, redacted=redacted)
        if reading.first_text_at is not None:
            self._first.append(reading.first_text_at - received.started_at)
        if pace := self._load.pace_seconds:
            self._latency += find_latencies(reading, wanted, pace_seconds=pace)
            self._gaps += find_gaps(reading)

    def row(self, target: str) -> Row:
        """Return everything that was counted."""
        return Row(
            target=target,
            load=self._load.name,
            tokens=self._load.tokens * self._requests,
            requests=self._requests,
            seconds=self._seconds,
            cpu_seconds=self._cpu,
            first_token_seconds=tuple(self._first),
            latency_seconds=tuple(self._latency),
            gap_seconds=tuple(self._gaps),
            faults=tuple(self._faults),
        )


async def measure(contender: Contender, load: Load, *, pii_share: float) -> Row:
    """Return what *contender* did in one round of *load*; raises ``TimeoutError``."""
    streams = max(1, round(load.streams * contender.share))
    expected = [
        answer(tokens=load.tokens, pii_share=pii_share, variant=number % VARIANTS)
        for number in range(streams)
    ]
    outcome = Outcome(load)
    for _ in range(load.repeats):
        wall, used, received = await _play(contender, load, streams)
        outcome.add_clock(seconds=wall, cpu=used)
        for one, wanted in zip(received, expected, strict=True):
            outcome.add(one, wanted, redacted=contender.redacts)
    return outcome.row(contender.target.name)


def weigh(contender: Contender) -> float:
    """Return the memory of *contender* now in MB; 0 where there is no process."""
    return 0.0 if contender.pid is None else resident_megabytes(contender.pid)


async def _play(
    contender: Contender, load: Load, streams: int
) -> tuple[float, float, Sequence[Received]]:
    limit = load.tokens * load.pace_seconds + _SPARE_SECONDS
    async with asyncio.timeout(limit):
        connections = await connect_all(contender.target, bodies_of(load, streams))
        before, started = _cpu(contender), perf_counter()
        received = await receive_all(connections)
        return perf_counter() - started, _cpu(contender) - before, received


def bodies_of(load: Load, streams: int) -> list[bytes]:
    """Return the requests of *streams* streams of *load*."""
    return [
        chat_body(
            tokens=load.tokens,
            variant=number % VARIANTS,
            model=load.model,
            streamed=load.streamed,
            prompt_bytes=load.prompt_bytes,
        )
        for number in range(streams)
    ]


def _cpu(contender: Contender) -> float:
    return 0.0 if contender.pid is None else cpu_seconds(contender.pid)


def _read(received: Received, load: Load) -> Reading | None:
    if received.error is not None or received.status != 200 or not received.arrivals:
        return None
    if load.streamed:
        return read_stream(received.arrivals)
    body = b"".join(arrival.data for arrival in received.arrivals)
    return read_whole(body, received.arrivals[-1].at)
