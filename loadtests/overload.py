"""Measures what too much of one caller costs another, and how soon what is too much is refused.

A good client makes sealed calls at a steady pace, alone and beside 500 streams more than there are
places, a flood of bad tokens, one of rubbish that looks sealed, and bodies of JSON that never end.
"""

import argparse
import asyncio
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from itertools import cycle
from pathlib import Path
from time import perf_counter

from gateway.core.ohttp_keys import parse_key_list
from loadtests.client import (
    StreamConnection,
    Target,
    bearer,
    chat_body,
    connect,
    connect_all,
    in_the_clear,
    sealed,
)
from loadtests.flood import Findings, Plan
from loadtests.processes import is_listening, running, wait_for_start
from loadtests.stats import percentile, ratio
from tests.story.gateway import Account, Gateway

REPORT = Path(__file__).parent / "report"
_ROOT = Path(__file__).parent.parent
_UPSTREAM_KEY = "load-upstream-key"
_QUICK, _SLOW = "tiny", "slow"
# All connections are there before the first request, so that no handshake is measured.
_EXTRA = "[models.slow]\n[edge]\nconnections_per_address = 4000\nhead_seconds = 120\n"
_PLACES = 256  # the default of [upstream] max_outstanding
_TOKENS_OF_STREAMS = range(4, 16)  # one a second: places are scarce, not the processor
_QUEUE_MS = 5000.0  # the default of [upstream] queue_seconds
_ARRIVAL_SECONDS = 0.01
_PAUSE_SECONDS = 0.05
_MAX_REFUSAL_MS = 50.0
_MAX_RATIO = 3.0


@dataclass(frozen=True, slots=True)
class Cell:
    """What one load has shown; times are in milliseconds."""

    name: str
    alone_ms: tuple[float, ...]
    beside_ms: tuple[float, ...]
    failed: int
    """Calls of the good client that were not answered well."""
    statuses: dict[str, int]
    """Of the others."""
    refusals_ms: tuple[float, ...]
    """How long calls took that were refused as too much at once."""
    in_vain: int = 0
    """Calls that waited as long as anybody may and were refused then."""

    def judge(self) -> list[str]:
        """Return what is worse than promised."""
        slower = ratio(percentile(self.beside_ms, 0.99), percentile(self.alone_ms, 0.99))
        return [
            f"{self.name}: {text}"
            for text, is_broken in (
                (f"{self.failed} good calls failed", self.failed > 0),
                (f"good calls {slower:.1f} times slower (p99)", slower > _MAX_RATIO),
                ("refusals late", percentile(self.refusals_ms, 0.99) > _MAX_REFUSAL_MS),
            )
            if is_broken
        ]

    def as_row(self) -> str:
        """Return the figures as a row of Markdown."""
        times = [
            f"{percentile(found, 0.5):.1f} / {percentile(found, 0.99):.1f}"
            for found in (self.alone_ms, self.beside_ms, self.refusals_ms)
        ]
        answered = ", ".join(f"{number} × {status}" for status, number in self.statuses.items())
        if self.in_vain:
            answered += f" ({self.in_vain} after {_QUEUE_MS / 1000:.0f} s)"
        return f"| {self.name} | {' | '.join(times)} | {self.failed} | {answered or '–'} |"


_HEAD = (
    "| good calls beside | p50 / p99 ms alone | beside it | refusals | failed | others answered |\n"
    "|---|---|---|---|---|---|"
)


class Site:
    """A gateway under load, a good client and one that takes all it can."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        gateway.start()
        models = (_QUICK, _SLOW)
        self.good = gateway.create_client(models=models, plaintext_allowed=True)
        self.greedy = gateway.create_client(models=models, plaintext_allowed=True)
        with gateway.http() as http:
            keys = http.get("/.well-known/ohttp-gateway").raise_for_status().content
        self._key = parse_key_list(keys)[0]

    def target(self, account: Account, *, is_sealed: bool) -> Target:
        """Return where *account* calls, with a token of its own."""
        host, token = f"127.0.0.1:{self.gateway.port}", self.gateway.token(account)
        if is_sealed:
            prepare = sealed(self._key, host=host, prove=bearer(token), date=_date)
        else:
            prepare = in_the_clear(host=host, token=token)
        return Target("overload", ("127.0.0.1", self.gateway.port), prepare, self.gateway.tls())

    def plan(self, kind: str, *, rate: int, seconds: float) -> Plan:
        """Return the plan of a flood; each kind has an address of its own."""
        return Plan(
            kind=kind,
            port=self.gateway.port,
            ca_file=self.gateway.ca_file,
            address={"tokens": "127.0.0.2", "rubbish": "127.0.0.3", "slow": "127.0.0.4"}[kind],
            token=self.gateway.token(self.greedy),
            rate=rate,
            seconds=seconds,
        )


def _date() -> str:
    return format_datetime(datetime.now(UTC), usegmt=True)


async def _good_calls(target: Target, number: int) -> tuple[list[float], int]:
    """Return the milliseconds of answered calls, and how many others there were."""
    times, failed = [], 0
    for _ in range(number):
        body = chat_body(tokens=1, variant=0, model=_QUICK, streamed=False)
        connection = await connect(target, body)
        began = perf_counter()
        connection.send()
        received = await connection.done
        if received.status == 200 and not received.error:
            times.append((perf_counter() - began) * 1000)
        else:
            failed += 1
        await asyncio.sleep(_PAUSE_SECONDS)
    return times, failed


@asynccontextmanager
async def _crowd(site: Site, number: int) -> AsyncIterator[list[StreamConnection]]:
    """Yield connections of one client that are ready for a stream each; they leave in the end."""
    bodies = [
        chat_body(tokens=tokens, variant=variant, model=_SLOW, streamed=True)
        for variant, tokens in zip(range(number), cycle(_TOKENS_OF_STREAMS), strict=False)
    ]
    target = await asyncio.to_thread(site.target, site.greedy, is_sealed=False)
    connections = await connect_all(target, bodies)
    try:
        yield connections
    finally:
        for connection in connections:
            connection.leave()


async def _refusals(connections: Sequence[StreamConnection]) -> Findings:
    """Send all, one after the other; return what was refused and how soon."""
    seconds: list[float] = []
    statuses: dict[str, int] = {}

    async def one(connection: StreamConnection) -> None:
        began = perf_counter()
        connection.send()
        received = await connection.done
        if received.status in {429, 503}:
            seconds.append(perf_counter() - began)
            statuses[str(received.status)] = statuses.get(str(received.status), 0) + 1

    async with asyncio.TaskGroup() as tasks:
        calls = []
        for connection in connections:
            calls.append(tasks.create_task(one(connection)))
            await asyncio.sleep(_ARRIVAL_SECONDS)
        await asyncio.wait(calls, timeout=0.5)
        for call in calls:
            call.cancel()
    return Findings(statuses, seconds)


async def _flooded(plan: Plan) -> Findings:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "loadtests.flood",
        cwd=_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    output, _ = await process.communicate(json.dumps(asdict(plan)).encode())
    return Findings(**json.loads(output))


async def streams_cell(site: Site, good: Target, arguments: argparse.Namespace) -> Cell:
    """Return what streams do that are more than there are places."""
    alone, _ = await _good_calls(good, arguments.calls)
    async with _crowd(site, _PLACES + arguments.beyond) as connections:
        for connection in connections[:_PLACES]:
            connection.send()
        await asyncio.sleep(1.0)  # until all that may run do
        beside, found = await asyncio.gather(
            _good_calls(good, arguments.calls), _refusals(connections[_PLACES:])
        )
    name = f"{arguments.beyond} streams beyond the places"
    return _cell(name, alone, beside=beside, found=found)


async def flood_cell(good: Target, plan: Plan) -> Cell:
    """Return what the flood that was planned does."""
    calls = round(plan.seconds / _PAUSE_SECONDS)
    alone, _ = await _good_calls(good, calls)
    flooding = asyncio.create_task(_flooded(plan))
    await asyncio.sleep(1.0)  # Python starts
    beside = await _good_calls(good, calls)
    name = {
        "tokens": "bad tokens",
        "rubbish": "rubbish that looks sealed",
        "slow": f"{plan.rate} bodies that never end",
    }[plan.kind]
    return _cell(name, alone, beside=beside, found=await flooding)


def _cell(
    name: str, alone: list[float], *, beside: tuple[list[float], int], found: Findings
) -> Cell:
    times, failed = beside
    refusals = [seconds * 1000 for seconds in found.refusal_seconds]
    at_once = tuple(took for took in refusals if took < _QUEUE_MS)
    return Cell(
        name=name,
        alone_ms=tuple(alone),
        beside_ms=tuple(times),
        failed=failed,
        statuses=found.statuses,
        refusals_ms=at_once,
        in_vain=len(refusals) - len(at_once),
    )


async def measure(directory: Path, arguments: argparse.Namespace) -> list[Cell]:
    """Return every cell; *directory* is short and empty."""
    socket, key_file = directory / "vllm.sock", directory / "vllm.key"
    key_file.write_text(_UPSTREAM_KEY)
    command = [sys.executable, "-m", "loadtests.fake_vllm", "--uds", str(socket)]
    command += ["--model", _QUICK, "--model", _SLOW, "--flood-model", _QUICK]
    command += ["--pace-ms", "1000", "--api-key-file", str(key_file)]
    log = directory / "vllm.log"
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(running(command, log=log, cwd=_ROOT))
        await wait_for_start(lambda: is_listening(socket), log=log)
        home = directory / "gateway"
        home.mkdir()
        gateway = Gateway(home, socket=socket, api_key_file=key_file, extra=_EXTRA)
        stack.callback(gateway.stop)
        site = await asyncio.to_thread(Site, gateway)
        good = await asyncio.to_thread(site.target, site.good, is_sealed=True)
        await _good_calls(good, 20)
        cells = [await streams_cell(site, good, arguments)]
        seconds = arguments.calls * _PAUSE_SECONDS
        for kind, rate in (
            ("tokens", arguments.rate),
            ("rubbish", arguments.rate),
            ("slow", arguments.slow),
        ):
            plan = await asyncio.to_thread(site.plan, kind, rate=rate, seconds=seconds)
            cells += [await flood_cell(good, plan)]
        return cells


def main(argv: Sequence[str] | None = None) -> int:
    """Run all cells; 0 when every promise was kept, 1 otherwise."""
    parser = argparse.ArgumentParser(prog="overload", description=__doc__)
    parser.add_argument("--calls", type=int, default=150, help="good calls, alone and beside")
    parser.add_argument("--beyond", type=int, default=500, help="streams more than places")
    parser.add_argument("--rate", type=int, default=1000, help="requests of a flood in a second")
    parser.add_argument("--slow", type=int, default=100, help="bodies that never end")
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # the gateway inherits it
    with tempfile.TemporaryDirectory(prefix="overload-") as name:
        cells = asyncio.run(measure(Path(name), parser.parse_args(argv)))
    table = "\n".join([_HEAD, *(cell.as_row() for cell in cells)])
    REPORT.mkdir(exist_ok=True)
    (REPORT / "overload.md").write_text(table + "\n", "utf-8")
    broken = [text for cell in cells for text in cell.judge()]
    print("\n".join([table, "", *broken]))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
