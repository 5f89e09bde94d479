"""How far one machine goes: streams up to saturation, workers, sizes of requests, memory, hours.

    python -m loadtests.scaling
    python -m loadtests.scaling --soak 60

The ramp adds streams until less arrives than the model offers. Memory per stream is what the
process tree takes more with many sealed streams open than with none. A soak holds one load for
minutes and says by how much memory grows in an hour.
"""

import argparse
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

import uvloop

from loadtests.bench import REPORT
from loadtests.client import StreamConnection, connect_all
from loadtests.cores import keep_off, own_cores
from loadtests.gateway_process import (
    PLAIN,
    SEALED,
    Prepared,
    Way,
    missing_walk,
    prepare,
    start,
)
from loadtests.invented import EVENTS_BEFORE_TEXT
from loadtests.measure import Contender, Load, bodies_of, measure, weigh
from loadtests.peer_servers import PACED, PII_SHARE, start_model
from loadtests.processes import wait_until
from loadtests.report import draw, number, table, write_json
from loadtests.stats import percentile, ratio, slope

STREAMS = (1, 10, 50, 100, 200, 500, 1000)
PROMPTS = (0, 10_000, 100_000, 1_000_000)
_SATURATED = 0.85
"""Below this share of what was offered, more streams would only wait longer."""
_OPEN_TOKENS = 600
_AT_ONCE = 50
"""Streams are opened in turns: how a thousand at once are turned away is another question."""
_SETTLE_SECONDS = 10.0
_SAMPLE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Point:
    """One number of streams through one way to serve."""

    target: str
    streams: int
    offered_tokens_per_second: float
    tokens_per_second: float
    cpu_microseconds_per_token: float
    latency_seconds_p50: float
    latency_seconds_p99: float
    faults: int

    @property
    def is_saturated(self) -> bool:
        """Whether less arrived than was offered."""
        return self.tokens_per_second < _SATURATED * self.offered_tokens_per_second


@dataclass(frozen=True, slots=True)
class Payload:
    """What requests of one size cost, not streamed."""

    prompt_bytes: int
    plain_milliseconds: float
    sealed_milliseconds: float


@dataclass(frozen=True, slots=True)
class Memory:
    """What open streams weigh."""

    streams: int
    idle_megabytes: float
    open_megabytes: float
    missing: tuple[str, ...] = ()
    """Why each further one that was asked for gave nothing."""

    @property
    def kilobytes_per_stream(self) -> float:
        """Memory of one more open sealed stream."""
        return 1024 * (self.open_megabytes - self.idle_megabytes) / self.streams


@dataclass(frozen=True, slots=True)
class Soak:
    """Memory over time under one load."""

    minutes: float
    samples: Sequence[tuple[float, float]]
    """Seconds since the start, and MB."""
    requests: int
    faults: int

    @property
    def megabytes_per_hour(self) -> float:
        """The slope of memory over the second half: the first fills caches."""
        later = [one for one in self.samples if one[0] >= self.minutes * 30]
        return 3600 * slope(later)


@dataclass
class Findings:
    """Everything that was measured."""

    points: list[Point] = field(default_factory=list)
    payloads: list[Payload] = field(default_factory=list)
    memory: Memory | None = None
    soak: Soak | None = None


async def ramp(contender: Contender, streams: Sequence[int], *, seconds: float) -> list[Point]:
    """Return a point for each number of *streams*, until less arrives than is offered."""
    points = []
    for count in streams:
        load = Load("ramp", PACED, count, max(20, round(seconds * 50)), pace_seconds=0.02)
        row = await measure(contender, load, pii_share=PII_SHARE)
        nominal = load.pace_seconds * (load.tokens + EVENTS_BEFORE_TEXT)
        point = Point(
            target=contender.target.name,
            streams=count,
            offered_tokens_per_second=ratio(row.tokens, nominal),
            tokens_per_second=row.tokens_per_second,
            cpu_microseconds_per_token=row.cpu_microseconds_per_token,
            latency_seconds_p50=percentile(row.latency_seconds, 0.5),
            latency_seconds_p99=percentile(row.latency_seconds, 0.99),
            faults=len(row.faults),
        )
        points.append(point)
        if point.is_saturated and count > 1:
            break
    return points


async def weigh_payloads(plain: Contender, closed: Contender) -> list[Payload]:
    """Return what requests of several sizes cost, sealed and not."""
    payloads = []
    for size in PROMPTS:
        load = Load("payload", PACED, 10, 5, repeats=3, streamed=False, prompt_bytes=size)
        costs = [
            (await measure(one, load, pii_share=0.0)).cpu_milliseconds_per_request
            for one in (plain, closed)
        ]
        payloads.append(Payload(size, *costs))
    return payloads


async def weigh_streams(contender: Contender, count: int) -> Memory:
    """Return the memory of the gateway with no and with *count* sealed streams open."""
    warm = Load("warm", PACED, 50, 5)
    await measure(contender, warm, pii_share=PII_SHARE)
    idle = weigh(contender)
    bodies = bodies_of(Load("open", PACED, count, _OPEN_TOKENS), count)
    connections: list[StreamConnection] = []

    async def have_all_begun() -> bool:
        return all(one.received.arrivals or one.done.done() for one in connections)

    for begin in range(0, count, _AT_ONCE):
        added = await connect_all(contender.target, bodies[begin : begin + _AT_ONCE])
        connections += added
        for connection in added:
            connection.send()
        with suppress(TimeoutError):
            await wait_until(have_all_begun, seconds=_SETTLE_SECONDS)
    missing = tuple(filter(None, map(_why_not_open, connections)))
    memory = Memory(count - len(missing), idle, weigh(contender), missing)
    for connection in connections:
        connection.leave()
    return memory


def _why_not_open(connection: StreamConnection) -> str | None:
    received = connection.received
    if connection.done.done():
        return received.error or f"status {received.status}"
    return None if received.arrivals else "no answer yet"


async def soak(contender: Contender, *, minutes: float, streams: int) -> Soak:
    """Hold one load for *minutes*, opening new streams as old ones end."""
    load = Load("soak", PACED, streams, 100, pace_seconds=0.02)
    began, requests, faults = perf_counter(), 0, 0
    samples: list[tuple[float, float]] = []
    while (passed := perf_counter() - began) < minutes * 60:
        if not samples or passed - samples[-1][0] >= _SAMPLE_SECONDS:
            samples.append((passed, weigh(contender)))
        row = await measure(contender, load, pii_share=PII_SHARE)
        requests, faults = requests + row.requests, faults + len(row.faults)
    samples.append((perf_counter() - began, weigh(contender)))
    return Soak(minutes, samples, requests, faults)


def _ways(workers: Sequence[int]) -> list[Way]:
    return [Way(f"workers-{count}", workers=count, cores=own_cores(count)) for count in workers]


async def run(arguments: argparse.Namespace) -> Findings:
    """Measure what the command line asks for."""
    found = Findings()
    streams = [count for count in STREAMS if count <= arguments.streams]
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        async with AsyncExitStack() as stack:
            directory = Path(name)
            keep_off(own_cores(max(arguments.workers)))
            model = await start_model(stack, directory, pace_ms=20.0)
            prepared = await prepare(directory / "prepared", socket=model.socket, models=(PACED,))
            if arguments.soak:
                [way] = _ways([max(arguments.workers)])
                served = await start(stack, prepared, way)
                found.soak = await soak(served[SEALED], minutes=arguments.soak, streams=50)
                return found
            for way in _ways(arguments.workers):
                async with AsyncExitStack() as one_way:
                    served = await start(one_way, prepared, way)
                    found.points += await ramp(
                        served[SEALED], streams, seconds=2.0 if arguments.quick else 6.0
                    )
                    print(f"scaling: {way.name} done", flush=True)
                    if not found.payloads:
                        found.payloads = await weigh_payloads(served[PLAIN], served[SEALED])
            found.memory = await _memory(stack, prepared, streams=arguments.streams)
    return found


async def _memory(stack: AsyncExitStack, prepared: Prepared, *, streams: int) -> Memory:
    """Weigh streams of a model so slow that they stay open and cost nothing else."""
    slow = prepared.home.with_name("slow-model")
    slow.mkdir()
    model = await start_model(stack, slow, pace_ms=500.0)
    served = await start(stack, prepared.before(model.socket), Way("open-streams"))
    return await weigh_streams(served[SEALED], streams)


def as_markdown(found: Findings) -> str:
    """Return what was found as tables."""
    parts = []
    if found.points:
        lines = [
            (
                point.target,
                str(point.streams),
                number(point.offered_tokens_per_second, 0),
                number(point.tokens_per_second, 0),
                number(point.cpu_microseconds_per_token),
                _milliseconds(point),
                str(point.faults),
            )
            for point in found.points
        ]
        headings = ("target", "streams", "offered tokens/s", "tokens/s", "CPU µs/token")
        parts.append(table((*headings, "one way p50/p99 ms", "faults"), lines))
    if found.payloads:
        parts.append(_payload_table(found.payloads))
    if found.memory:
        parts.append(
            f"Memory: {found.memory.idle_megabytes:.0f} MB (PSS) idle, "
            f"{found.memory.open_megabytes:.0f} MB with {found.memory.streams} sealed streams "
            f"open: {found.memory.kilobytes_per_stream:.0f} KB for each."
            + _said_of(found.memory.missing)
        )
    if found.soak:
        parts.append(
            f"Soak: {found.soak.minutes:g} minutes, {found.soak.requests} streams, "
            f"{found.soak.faults} faults, {found.soak.samples[-1][1]:.0f} MB at the end, "
            f"{found.soak.megabytes_per_hour:+.1f} MB an hour over the second half."
        )
    return "\n\n".join(parts)


def _said_of(missing: Sequence[str]) -> str:
    counts = Counter(missing).items()
    return "".join(f" {count} MORE GAVE NOTHING: {why}." for why, count in counts)


def _milliseconds(point: Point) -> str:
    halves = (point.latency_seconds_p50, point.latency_seconds_p99)
    return " / ".join(number(1e3 * seconds) for seconds in halves)


def _payload_table(payloads: Sequence[Payload]) -> str:
    lines = [
        (
            number(payload.prompt_bytes, 0),
            number(payload.plain_milliseconds, 2),
            number(payload.sealed_milliseconds, 2),
            number(ratio(payload.sealed_milliseconds, payload.plain_milliseconds), 2),
        )
        for payload in payloads
    ]
    return table(("prompt bytes", "plain CPU ms", "sealed CPU ms", "ratio"), lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, and write `scaling.md` and `scaling.json`; 1 when something arrived wrong."""
    parser = argparse.ArgumentParser(prog="scaling", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="shorter streams")
    parser.add_argument("--streams", type=int, default=1000, help="the most streams")
    cores = os.cpu_count() or 1
    parser.add_argument(
        "--workers", type=int, nargs="+", default=sorted({1, min(4, cores)}), help="how many"
    )
    parser.add_argument("--soak", type=float, default=0.0, metavar="MINUTES", help="only a soak")
    parser.add_argument("--report", type=Path, default=REPORT, help="where the report goes")
    arguments = parser.parse_args(argv)
    if (missing := missing_walk()) is not None:
        print(f"left out: {missing}", file=sys.stderr)
        return 1
    found = uvloop.run(run(arguments))
    name = "soak" if arguments.soak else "scaling"
    value = {"at": datetime.now(UTC).isoformat(), **asdict(found)}
    write_json(arguments.report / f"{name}.json", value)
    text = as_markdown(found)
    (arguments.report / f"{name}.md").write_text(text + "\n", "utf-8")
    print(f"\n{text}\n\n{draw(arguments.report)}")
    wrong = [point.faults for point in found.points]
    wrong += [found.soak.faults] if found.soak else []
    wrong += [len(found.memory.missing)] if found.memory else []
    return 1 if any(wrong) else 0


if __name__ == "__main__":
    sys.exit(main())
