"""What each step of the gateway costs, per token and per request, and whether that adds up.

    python -m loadtests.steps

For each step two gateways run: one in which only that step does nothing (`loadtests.stand_ins`),
and one in which it alone does something. What the step costs is the mean of what it takes less
where it is left out and of what it adds where nothing else is: steps that share work, such as two
that both wake the process, then share its cost. Sealing needs no stand-in: a client that does not
seal does without. All run at the same time and take turns, in another order each round.
"""

import argparse
import sys
import tempfile
from collections.abc import Collection, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvloop

from loadtests.bench import REPORT, shuffled
from loadtests.cores import keep_off, own_cores
from loadtests.gateway_process import (
    DPOP,
    FULL,
    MASKED,
    PLAIN,
    QUOTA,
    SEALED,
    Way,
    missing_walk,
    prepare,
    start,
)
from loadtests.measure import Contender, Load, measure
from loadtests.peer_servers import PACED, PII_SHARE, ROOT, start_model
from loadtests.report import draw, number, table, write_json
from loadtests.stand_ins import STAND_INS
from loadtests.stats import Row, Spread, ratio

WHOLE, BARE, SEAL = "whole", "bare", "seal"
STEPS = {
    "bare": "listener, request parsed and rebuilt, connection to the model",
    "tls": "TLS 1.3 records (handshakes are not counted)",
    "token": "access token verified (its signature is remembered), client, revocations",
    "replay": "date and encapsulated key claimed",
    "meter": "requests and tokens counted, quotas looked up",
    "scrub": "events read, personal data found and replaced, events written",
    "seal": "request opened, each piece padded and sealed (Binary HTTP, chunked OHTTP)",
    "record": "access record",
}
OPTIONS = {
    DPOP: "the token is bound to a key of the client, which proves it with each request (DPoP)",
    QUOTA: "the client has quotas of requests, tokens and streams",
    MASKED: "the model sees no personal data of the request; the answer gets it back",
}
"""What a client may have besides, beyond the whole; all of it together is FULL."""

_ONCE = frozenset({"token", "replay", "meter", "record", DPOP, QUOTA})
"""Done once for each request: measured by requests, and spread over the tokens of a stream."""


def without(step: str) -> str:
    """Return the name of the gateway in which only *step* does nothing."""
    return f"without-{step}"


def only(step: str) -> str:
    """Return the name of the gateway in which *step* alone does something."""
    return f"only-{step}"


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU microseconds per streamed token, and milliseconds per request that is not streamed."""

    per_token: float
    per_request: float

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.per_token + other.per_token, self.per_request + other.per_request)


@dataclass(frozen=True, slots=True)
class Steps:
    """What each step costs, beside the whole that they should come to."""

    steps: Mapping[str, Cost]
    whole: Cost
    options: Mapping[str, Cost]
    """What each option costs beyond the whole."""
    full: Cost
    """The whole with all options."""
    noise: Cost
    """By how much the middle round of the whole lies above its least."""

    @property
    def added(self) -> Cost:
        """What all steps come to."""
        return sum(self.steps.values(), start=Cost(0.0, 0.0))

    @property
    def gap(self) -> Cost:
        """By which share of the whole the sum of the steps misses it; above 0 it is more."""
        added = self.added
        return Cost(
            ratio(added.per_token, self.whole.per_token) - 1.0,
            ratio(added.per_request, self.whole.per_request) - 1.0,
        )


def steps_of(rows: Mapping[tuple[str, str], Sequence[Row]]) -> Steps:
    """Return the steps from the rounds of each variant, by (load, variant).

    The least round of each counts: neighbours and what a process does now and then only add.
    """
    first = rows["paced", WHOLE][0]
    tokens = first.tokens / first.requests

    def figures(variant: str, base: Cost | None = None) -> Cost:
        once = min(row.cpu_milliseconds_per_request for row in rows["whole", variant])
        if base is not None and ("paced", variant) not in rows:
            return Cost(base.per_token + 1e3 * (once - base.per_request) / tokens, once)
        return Cost(min(row.cpu_microseconds_per_token for row in rows["paced", variant]), once)

    whole, bare = figures(WHOLE), figures(BARE)
    steps = {BARE: bare}
    for step in STEPS.keys() - {BARE}:
        saved = _less(whole, figures(without(step), whole))
        steps[step] = _mean(saved, _less(figures(only(step), bare), bare))
    middle = Cost(
        Spread.of([row.cpu_microseconds_per_token for row in rows["paced", WHOLE]]).median,
        Spread.of([row.cpu_milliseconds_per_request for row in rows["whole", WHOLE]]).median,
    )
    return Steps(
        {name: steps[name] for name in STEPS},
        whole,
        {name: _less(figures(name, whole), whole) for name in OPTIONS},
        figures(FULL),
        _less(middle, whole),
    )


def _less(one: Cost, other: Cost) -> Cost:
    return Cost(one.per_token - other.per_token, one.per_request - other.per_request)


def _mean(one: Cost, other: Cost) -> Cost:
    both = one + other
    return Cost(both.per_token / 2, both.per_request / 2)


def as_markdown(found: Steps) -> str:
    """Return the table of steps, with their sum and by how much it misses the whole."""
    shown = {name: (STEPS[name], cost) for name, cost in found.steps.items()}
    shown["sum"] = ("of the steps", found.added)
    shown["whole"] = ("sealed, all stages on (`gateway-sealed`)", found.whole)
    shown |= {
        f"+ {name.removeprefix('gateway-')}": (OPTIONS[name], cost)
        for name, cost in found.options.items()
    }
    shown["full"] = ("the whole with these three (`gateway-full`)", found.full)
    lines = [
        (name, what, number(cost.per_token), number(cost.per_request, 3))
        for name, (what, cost) in shown.items()
    ]
    text = table(("step", "what", "CPU µs/token, paced", "CPU ms/request, not streamed"), lines)
    said = (
        f"The sum misses the whole by {100 * found.gap.per_token:+.0f} % (tokens) and "
        f"{100 * found.gap.per_request:+.0f} % (requests). A middle round took "
        f"{found.noise.per_token:.1f} µs and {found.noise.per_request:.3f} ms more than the least, "
        "which is the one that counts: a step below that is in the noise."
    )
    return f"{text}\n\n{said}"


def as_json(found: Steps, *, at: datetime) -> dict[str, Any]:
    """Return the same for programs and for the plot."""

    def values(cost: Cost) -> dict[str, float]:
        return {
            "microseconds_per_token": cost.per_token,
            "milliseconds_per_request": cost.per_request,
        }

    return {
        "at": at.isoformat(),
        "steps": [{"name": name, **values(cost)} for name, cost in found.steps.items()],
        "whole": values(found.whole),
        "options": [{"name": name, **values(cost)} for name, cost in found.options.items()],
        "full": values(found.full),
        "noise": values(found.noise),
    }


def _way(name: str, idle: Collection[str]) -> Way:
    command = ["env", f"PYTHONPATH={ROOT}", sys.executable, "-m", "loadtests.stand_ins"]
    for step in idle:
        command += ["--without", step]
    return Way(name, tuple(command), over_tls="tls" not in idle, cores=own_cores())


async def start_variants(stack: AsyncExitStack, directory: Path) -> dict[str, Contender]:
    """Start all gateways; return them by name, and by how clients call the whole one."""
    keep_off(own_cores())
    model = await start_model(stack, directory, pace_ms=20.0)
    prepared = await prepare(directory / "prepared", socket=model.socket, models=(PACED,))
    idle: dict[str, Collection[str]] = {WHOLE: (), BARE: STAND_INS.keys()}
    for step in STAND_INS:
        idle[without(step)], idle[only(step)] = (step,), STAND_INS.keys() - {step}
    variants = {}
    for name, steps in idle.items():
        ways = await start(stack, prepared, _way(name, steps))
        print(f"steps: {name} runs", flush=True)
        seals = name == WHOLE or name.startswith(without(""))
        variants[name] = _unjudged(ways[SEALED if seals else PLAIN], idle=steps)
        if name == WHOLE:
            variants |= {without(SEAL): ways[PLAIN]}
            variants |= {option: ways[option] for option in (*OPTIONS, FULL)}
        elif name == BARE:
            variants[only(SEAL)] = _unjudged(ways[SEALED], idle=steps)
    return variants


def _unjudged(contender: Contender, *, idle: Collection[str]) -> Contender:
    return replace(contender, redacts="scrub" not in idle)


async def run(arguments: argparse.Namespace) -> Steps:
    """Measure every variant, round by round."""
    quick = arguments.quick
    loads = [
        Load("paced", PACED, 50 if quick else 100, 60 if quick else 100, pace_seconds=0.02),
        Load("whole", PACED, 50, 20, repeats=4, streamed=False),
    ]
    rows: dict[tuple[str, str], list[Row]] = {}
    once = {*_ONCE, *map(without, _ONCE), *map(only, _ONCE)}
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        async with AsyncExitStack() as stack:
            variants = await start_variants(stack, Path(name))
            for load in loads:
                names = [name for name in variants if load.name != "paced" or name not in once]
                for round_ in range(3 if quick else arguments.rounds):
                    for variant in shuffled(names, round_):
                        row = await measure(variants[variant], load, pii_share=PII_SHARE)
                        rows.setdefault((load.name, variant), []).append(row)
                        if row.faults:
                            raise RuntimeError(f"{variant}, {load.name}: {row.faults[0]}")
                print(f"steps: {load.name} done", flush=True)
    return steps_of(rows)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure the steps and write `steps.md` and `steps.json`."""
    parser = argparse.ArgumentParser(prog="steps", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="three short rounds")
    parser.add_argument("--rounds", type=int, default=8, help="rounds of each load")
    parser.add_argument("--report", type=Path, default=REPORT, help="where the report goes")
    arguments = parser.parse_args(argv)
    if (missing := missing_walk()) is not None:
        print(f"left out: {missing}", file=sys.stderr)
        return 1
    found = uvloop.run(run(arguments))
    write_json(arguments.report / "steps.json", as_json(found, at=datetime.now(UTC)))
    text = as_markdown(found)
    (arguments.report / "steps.md").write_text(text + "\n", "utf-8")
    print(f"\n{text}\n\n{draw(arguments.report)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
