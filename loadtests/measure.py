"""One load on one target: connect, start the clock, receive, stop the clock, then look at it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter

from loadtests.client import Received, Target, chat_body, connect_all, receive_all
from loadtests.invented import VARIANTS, Answer, answer
from loadtests.processes import cpu_seconds
from loadtests.reading import Reading, find_faults, find_lateness, read_stream, read_whole
from loadtests.stats import Row

_SPARE_SECONDS = 20.0
"""How much longer than its schedule a load may take before it is given up."""


@dataclass(frozen=True, slots=True)
class Load:
    """What is asked of each target."""

    name: str
    model: str
    streams: int
    """Requests at the same time."""
    tokens: int
    """Tokens per answer."""
    pace_seconds: float = 0.0
    rounds: int = 1
    streamed: bool = True


@dataclass(frozen=True, slots=True)
class Contender:
    """A target and the process tree between the client and the model, if there is one."""

    target: Target
    pid: int | None
    redacts: bool
    notes: tuple[str, ...] = ()
    """What else was seen of it, for the report."""


async def measure(contender: Contender, load: Load, *, pii_share: float) -> Row:
    """Return what *contender* did under *load*, all rounds together."""
    expected = [
        answer(tokens=load.tokens, pii_share=pii_share, variant=number % VARIANTS)
        for number in range(load.streams)
    ]
    seconds = cpu = 0.0
    first: list[float] = []
    late: list[float] = []
    faults: list[str] = []
    for _ in range(load.rounds):
        wall, used, received = await _play(contender, load)
        seconds, cpu = seconds + wall, cpu + used
        for one, wanted in zip(received, expected, strict=True):
            reading = _read(one, load)
            if reading is None:
                faults.append(one.error or f"status {one.status}")
                continue
            faults += find_faults(reading, wanted, redacted=contender.redacts)
            if reading.first_text_at is not None:
                first.append(reading.first_text_at - one.started_at)
            late += _lateness(reading, wanted, load)
    return Row(
        target=contender.target.name,
        load=load.name,
        tokens=load.tokens * load.streams * load.rounds,
        requests=load.streams * load.rounds,
        seconds=seconds,
        cpu_seconds=cpu,
        first_token_seconds=tuple(first),
        lateness_seconds=tuple(late),
        faults=tuple(faults),
    )


async def _play(contender: Contender, load: Load) -> tuple[float, float, Sequence[Received]]:
    bodies = [
        chat_body(
            tokens=load.tokens,
            variant=number % VARIANTS,
            model=load.model,
            streamed=load.streamed,
        )
        for number in range(load.streams)
    ]
    limit = load.tokens * load.pace_seconds + _SPARE_SECONDS
    async with asyncio.timeout(limit):
        connections = await connect_all(contender.target, bodies)
        before, started = _cpu(contender), perf_counter()
        received = await receive_all(connections)
        return perf_counter() - started, _cpu(contender) - before, received


def _cpu(contender: Contender) -> float:
    return 0.0 if contender.pid is None else cpu_seconds(contender.pid)


def _read(received: Received, load: Load) -> Reading | None:
    if received.error is not None or received.status != 200:
        return None
    if load.streamed:
        return read_stream(received.arrivals)
    body = b"".join(arrival.data for arrival in received.arrivals)
    return read_whole(body, received.arrivals[-1].at)


def _lateness(reading: Reading, wanted: Answer, load: Load) -> list[float]:
    if not load.pace_seconds:
        return []
    return find_lateness(reading, wanted, pace_seconds=load.pace_seconds)
