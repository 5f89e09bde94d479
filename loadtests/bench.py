"""Sets the gateway against the model itself and against other gateways, in one run.

Targets take turns round by round, so that what the machine does meanwhile hits all alike. What
counts are ratios of CPU time within the run: wall time on a shared machine says little. The run
stays on the loopback interface and stops by itself.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import TypeVar

import uvloop

from loadtests.cores import keep_off, own_cores
from loadtests.gateway_process import (
    FULL,
    PLAIN,
    SEALED,
    Way,
    add_gateway,
    find_sealgate,
    missing_walk,
)
from loadtests.measure import Contender, Load, measure, weigh
from loadtests.peer_servers import FLOOD, PACED, PII_SHARE, Field, start_model, start_peers
from loadtests.processes import NotStartedError
from loadtests.report import (
    as_markdown,
    describe_faults,
    draw,
    weights_as_markdown,
    write_report,
)
from loadtests.results import Run, Weight
from loadtests.stats import Row
from loadtests.thresholds import FILE, judge, parse_bounds, unjudged

REPORT = Path(__file__).parent / "report"
_WHOLE_RUN_SECONDS = 3_600.0
_Item = TypeVar("_Item")


def loads_of(arguments: argparse.Namespace) -> list[Load]:
    """Return the loads that the command line asks for, each as one round of it."""
    pace = arguments.pace_ms / 1000
    tokens = min(arguments.tokens, 120) if arguments.quick else arguments.tokens
    streams = arguments.streams
    loads = [
        Load("paced", PACED, streams, tokens, pace_seconds=pace),
        Load("flood", FLOOD, min(32, streams), min(500, 4 * tokens), repeats=2),
        Load("whole", PACED, min(50, streams), 50, repeats=6, streamed=False),
        Load("first", FLOOD, 1, 2, repeats=20),
    ]
    return [load for load in loads if not arguments.load or load.name in arguments.load]


async def start_all(
    stack: AsyncExitStack, directory: Path, arguments: argparse.Namespace
) -> tuple[list[Contender], list[str]]:
    """Start everything that the command line asks for; return it, and what is left out and why."""

    def is_wanted(name: str) -> bool:
        return not arguments.only or name in arguments.only

    keep_off(own_cores())
    model = await start_model(stack, directory, pace_ms=arguments.pace_ms)
    field = Field(stack, directory, model)
    await start_peers(field, wanted=is_wanted)
    if find_sealgate() is None:
        field.left_out.append("gateway: there is no sealgate beside this interpreter")
    elif names := list(filter(is_wanted, (PLAIN, SEALED, FULL))):
        models = (PACED, FLOOD)
        ways = await add_gateway(
            stack, directory, socket=model.socket, models=models, way=Way(cores=own_cores())
        )
        field.contenders += [ways[name] for name in names]
        if (missing := missing_walk()) is not None:
            field.left_out.append(missing)
    return field.contenders, field.left_out


async def run(arguments: argparse.Namespace) -> Run:
    """Run every round of every load on every contender."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        async with asyncio.timeout(_WHOLE_RUN_SECONDS), AsyncExitStack() as stack:
            contenders, left_out = await start_all(stack, Path(name), arguments)
            for one in left_out:
                print(f"left out: {one}", flush=True)
            rows: list[Row] = []
            rounds = 2 if arguments.quick else arguments.rounds
            for load in loads_of(arguments):
                for number in range(rounds):
                    rows += await _round(shuffled(contenders, number), load)
                print(f"{load.name}: {rounds} rounds of {len(contenders)} targets", flush=True)
            weights = {
                one.target.name: Weight(one.start, weigh(one)) for one in contenders if one.start
            }
    names = [contender.target.name for contender in contenders]
    rows.sort(key=lambda row: names.index(row.target))
    return Run(tuple(rows), weights, tuple(left_out))


def shuffled(contenders: Sequence[_Item], number: int) -> list[_Item]:
    """Return *contenders* in the order of round *number*, the same in each run.

    In a fixed one, whoever comes after another client of the same process would find it warm.
    """
    return Random(number).sample(contenders, len(contenders))


async def _round(contenders: Sequence[Contender], load: Load) -> list[Row]:
    return [await measure(one, load, pii_share=PII_SHARE) for one in contenders]


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="under five minutes, two rounds")
    parser.add_argument("--streams", type=int, default=100, help="streams at the same time")
    parser.add_argument("--tokens", type=int, default=500, help="tokens per paced stream")
    parser.add_argument("--pace-ms", type=float, default=20.0, help="time between two tokens")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each load")
    parser.add_argument("--only", action="append", default=[], help="measure only this target")
    parser.add_argument("--load", action="append", default=[], help="only this load")
    parser.add_argument("--check", action="store_true", help="fail where a bound is exceeded")
    parser.add_argument("--report", type=Path, default=REPORT, help="where the report goes")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark; 0 when all that arrived was right and, if asked, every bound held."""
    arguments = parse_arguments(argv)
    try:
        done = uvloop.run(run(arguments))
    except NotStartedError as error:
        print(error, file=sys.stderr)
        return 1
    bounds = parse_bounds(FILE.read_text("utf-8"))
    verdicts = judge(done, bounds)
    data = write_report(arguments.report, done, verdicts, at=datetime.now(UTC))
    said = [*map(str, verdicts), *unjudged(verdicts, bounds)]
    said += [f"left out: {one}" for one in done.left_out]
    said += [*describe_faults(done), draw(data.parent)]
    tables = (as_markdown(done), weights_as_markdown(done), "\n".join(said))
    print("\n\n".join(("", *tables)))
    is_good = verdicts and all(verdict.holds for verdict in verdicts) and not missing_walk()
    has_regressed = arguments.check and not is_good
    return 1 if has_regressed or describe_faults(done) else 0


if __name__ == "__main__":
    sys.exit(main())
