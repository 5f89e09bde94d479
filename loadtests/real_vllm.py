"""Tokens per second of a real vLLM, asked directly and through the gateway.

    python -m loadtests.real_vllm
    python -m loadtests.real_vllm --model /models/llama --vllm /opt/vllm/bin/vllm --streams 1 256

By default it serves the tiny model of the tests with the CPU build of vLLM. Elsewhere it serves any
model that lies in a folder, on whatever its vLLM was built for, with the flags of `serving run`.
Targets take turns; each asks the same questions, greedily, so that each should say the same.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import cycle, islice
from os import sched_getaffinity
from pathlib import Path
from time import perf_counter

import orjson
import uvloop

from loadtests.bench import REPORT, shuffled
from loadtests.client import Received, Target, connect_all, in_the_clear, receive_all
from loadtests.gateway_process import FULL, PLAIN, SEALED, add_gateway, missing_walk
from loadtests.measure import Contender
from loadtests.peer_servers import ROOT
from loadtests.processes import cpu_seconds, wait_until
from loadtests.reading import find_gaps, read_stream, split_events
from loadtests.report import as_markdown, describe_faults, describe_machine, raw, write_json
from loadtests.results import Run
from loadtests.stats import Row, Spread, ratio
from serving.health import is_healthy
from serving.runtime_folder import api_key_file, write_new_api_key
from serving.settings import inherited_environment
from serving.vllm_command import (
    OpenedModel,
    ServeOptions,
    build_command,
    build_environment,
    choose_cores,
    find_cpu_build,
)
from serving.vllm_process import VllmProcess

NAME = "bench"
TINY = ROOT / "tests" / "model" / "tiny"
_CORPUS = TINY.parent / "corpus.jsonl"
_TINY_CONTEXT = 1024
_QUESTIONS = 32
_START_SECONDS = 900.0
"""A large model is read from disk, and its kernels are compiled."""
_ROUND_SECONDS = 300.0
_STOP_SECONDS = 20.0
_OK = 200
_ASKED = "Write a story of a thousand words about the number {number}. Begin at once."


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked: how often the same questions, at how many at a time."""

    streams: Sequence[int]
    tokens: int
    rounds: int
    questions: Sequence[str]

    def bodies(self, streams: int) -> list[list[bytes]]:
        """Return the requests of one round in waves of *streams*, each question at least once."""
        waves = -(-len(self.questions) // streams)
        bodies = map(self._body, islice(cycle(self.questions), waves * streams))
        return [list(islice(bodies, streams)) for _ in range(waves)]

    def _body(self, question: str) -> bytes:
        asked = {"model": NAME, "messages": [{"role": "user", "content": question}]}
        options = {"stream": True, "stream_options": {"include_usage": True}}
        return orjson.dumps(asked | options | {"max_tokens": self.tokens, "temperature": 0})


def questions_of(model: Path) -> list[str]:
    """Return what *model* is asked: of the tiny one, what it was trained to answer at length."""
    if model != TINY:
        return [_ASKED.format(number=number) for number in range(_QUESTIONS)]
    told = [orjson.loads(line)["messages"] for line in _CORPUS.read_bytes().splitlines()]
    told.sort(key=lambda messages: len(messages[1]["content"]), reverse=True)
    return [messages[0]["content"] for messages in told[:_QUESTIONS]]


def count_tokens(received: Received) -> int | None:
    """Return how many tokens vLLM says that it generated, None if the answer was cut short."""
    tokens, is_done = None, False
    for _, data in split_events(received.arrivals):
        is_done = data == b"[DONE]"
        if not is_done and (usage := orjson.loads(data).get("usage")):
            tokens = int(usage["completion_tokens"])
    return tokens if is_done and received.status == _OK else None


def row_of(target: str, load: str, received: Sequence[Received], *, wall: float, cpu: float) -> Row:
    """Return what one round came to."""
    readings = [read_stream(one.arrivals) for one in received]
    counts = [count_tokens(one) for one in received]
    return Row(
        target=target,
        load=load,
        tokens=sum(filter(None, counts)),
        requests=len(received),
        seconds=wall,
        cpu_seconds=cpu,
        first_token_seconds=tuple(
            reading.first_text_at - one.started_at
            for reading, one in zip(readings, received, strict=True)
            if reading.first_text_at is not None
        ),
        latency_seconds=(),
        gap_seconds=tuple(gap for reading in readings for gap in find_gaps(reading)),
        faults=tuple(
            one.error or f"status {one.status}, cut short"
            for one, count in zip(received, counts, strict=True)
            if count is None
        ),
    )


async def ask(contender: Contender, waves: Sequence[Sequence[bytes]]) -> Row:
    """Return one round of *contender*, wave after wave; connecting is not counted."""
    received: list[Received] = []
    wall = cpu = 0.0
    async with asyncio.timeout(_ROUND_SECONDS):
        for bodies in waves:
            connections = await connect_all(contender.target, bodies)
            before, began = _cpu(contender), perf_counter()
            received += await receive_all(connections)
            wall += perf_counter() - began
            cpu += _cpu(contender) - before
    return row_of(contender.target.name, f"{len(waves[0])} streams", received, wall=wall, cpu=cpu)


def _cpu(contender: Contender) -> float:
    return 0.0 if contender.pid is None else cpu_seconds(contender.pid)


@contextmanager
def serving(model: Path, vllm: Path, *, uds: Path) -> Iterator[VllmProcess]:
    """Run vLLM with *model* on *uds*, its key beside the socket."""
    is_cpu_build = find_cpu_build(vllm)
    options = ServeOptions(max_model_len=_TINY_CONTEXT if model == TINY else None)
    environment = build_environment(
        inherited_environment(),
        executable=vllm,
        api_key=write_new_api_key(uds),
        options=options,
        is_cpu_build=is_cpu_build,
    )
    command = build_command(
        vllm, model=OpenedModel(NAME, model), uds=uds, options=options, is_cpu_build=is_cpu_build
    )
    cores = choose_cores(sorted(sched_getaffinity(0)), is_cpu_build=is_cpu_build)
    process = VllmProcess(command, environment=environment, cores=cores)
    try:
        yield process
    finally:
        process.stop(grace_seconds=_STOP_SECONDS)


async def run(model: Path, vllm: Path, plan: Plan) -> Run:
    """Measure every number of streams on every target, round by round."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        directory = Path(name)
        uds = directory / "vllm.sock"
        with serving(model, vllm, uds=uds) as process:
            await _wait_for(process, uds)
            async with AsyncExitStack() as stack:
                contenders = [_direct(uds)]
                ways = await add_gateway(stack, directory, socket=uds, models=[NAME])
                contenders += [ways[name] for name in (PLAIN, SEALED, FULL)]
                rows: list[Row] = []
                for one in contenders:  # what the first answers compile and learn is not counted
                    await ask(one, plan.bodies(max(plan.streams))[:1])
                for streams in plan.streams:
                    for number in range(plan.rounds):
                        order = shuffled(contenders, number)
                        rows += [await ask(one, plan.bodies(streams)) for one in order]
                    print(f"vllm: {streams} streams done", flush=True)
    names = [one.target.name for one in contenders]
    rows.sort(key=lambda row: names.index(row.target))
    return Run(tuple(rows), {})


def _direct(uds: Path) -> Contender:
    key = api_key_file(uds).read_text("ascii").strip()
    target = Target("direct", uds, in_the_clear(host="localhost", token=key))
    return Contender(target, None, redacts=None)


async def _wait_for(process: VllmProcess, uds: Path) -> None:
    async def is_settled() -> bool:
        if not process.is_running():
            raise RuntimeError(f"vLLM did not start:\n{process.output_tail()}")
        return await asyncio.to_thread(is_healthy, uds, timeout_seconds=5.0)

    await wait_until(is_settled, seconds=_START_SECONDS)


def shares_of(done: Run) -> list[str]:
    """Return which share of the tokens per second of vLLM itself each way through carries."""
    said = []
    for (load, target), result in done.results.items():
        if target == "direct":
            continue
        pairs = zip(result.rows, done.results[load, "direct"].rows, strict=True)
        share = Spread.of(
            [100 * ratio(row.tokens_per_second, base.tokens_per_second) for row, base in pairs]
        )
        said.append(
            f"{load}: {target} carries {share.median:.0f} % ({share.low:.0f}–{share.high:.0f}) "
            "of the tokens/s of vLLM asked directly"
        )
    return said


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, and write `vllm.md` and `vllm.json`; 1 when an answer was cut short."""
    parser = argparse.ArgumentParser(prog="real_vllm", description=__doc__)
    parser.add_argument("--model", type=Path, default=TINY, help="folder of a model")
    default = ROOT / ".venv-vllm" / "bin" / "vllm"
    parser.add_argument("--vllm", type=Path, default=default, help="its command")
    parser.add_argument("--streams", type=int, nargs="+", default=[1, 4, 16], help="at a time")
    parser.add_argument("--tokens", type=int, default=200, help="the most tokens of an answer")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each load")
    parser.add_argument("--report", type=Path, default=REPORT, help="where the report goes")
    arguments = parser.parse_args(argv)
    if not arguments.vllm.exists() or (missing := missing_walk()) is not None:
        print(missing if arguments.vllm.exists() else f"no {arguments.vllm}", file=sys.stderr)
        return 1
    model = arguments.model.absolute()
    plan = Plan(arguments.streams, arguments.tokens, arguments.rounds, questions_of(model))
    done = uvloop.run(run(model, arguments.vllm.absolute(), plan))
    at = datetime.now(UTC)
    write_json(arguments.report / "vllm.json", raw(done, (), at=at))
    said = "\n".join(f"* {one}" for one in (*shares_of(done), *describe_faults(done)))
    text = f"{describe_machine()}, model {model.name}\n\n{as_markdown(done)}\n\n{said}\n"
    (arguments.report / "vllm.md").write_text(text, "utf-8")
    print(f"\n{text}")
    return 1 if describe_faults(done) else 0


if __name__ == "__main__":
    sys.exit(main())
