"""What each step of the gateway costs, per token and per request, and whether that adds up.

    python -m loadtests.steps

For each step a gateway runs in which only that step does nothing (`loadtests.stand_ins`); what the
whole gateway takes more is what the step costs. Sealing needs no stand-in: a client that does not
seal does without. One gateway without any of the steps shows what is left: listener, request,
connection to the model. All run at the same time and take turns.
"""

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvloop

from loadtests.bench import REPORT, turned
from loadtests.gateway_process import PLAIN, SEALED, Way, prepare, start
from loadtests.measure import Contender, Load, measure
from loadtests.peer_servers import PACED, PII_SHARE, ROOT, start_model
from loadtests.report import draw, number, table, write_json
from loadtests.stand_ins import STAND_INS
from loadtests.stats import Row, Spread, ratio

WHOLE, BARE, SEAL = "whole", "bare", "seal"
_EXPLAINED = {
    "bare": "listener, request parsed and rebuilt, connection to the model",
    "tls": "TLS 1.3 records (handshakes are not counted)",
    "token": "access token verified (its signature is remembered), client, revocations",
    "replay": "date and encapsulated key claimed",
    "quota": "quotas, tokens counted",
    "scrub": "events parsed, personal data found and replaced, events written",
    "seal": "request opened, each piece padded and sealed (Binary HTTP, chunked OHTTP)",
    "record": "access record",
}


_ONCE = frozenset({"token", "replay", "quota", "record"})
"""Done once for each request: measured by requests, and spread over the tokens of a stream."""


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU microseconds per streamed token, and milliseconds per request that is not streamed."""

    per_token: float
    per_request: float


@dataclass(frozen=True, slots=True)
class Steps:
    """What each step costs, beside the whole that they should come to."""

    steps: Mapping[str, Cost]
    whole: Cost
    noise: Cost
    """By how much the middle round of the whole lies above its least."""

    @property
    def added(self) -> Cost:
        """What all steps come to."""
        costs = self.steps.values()
        return Cost(sum(one.per_token for one in costs), sum(one.per_request for one in costs))

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

    def per_token(variant: str) -> float:
        return min(row.cpu_microseconds_per_token for row in rows["paced", variant])

    def per_request(variant: str) -> float:
        return min(row.cpu_milliseconds_per_request for row in rows["whole", variant])

    def cost(step: str) -> Cost:
        once = whole.per_request - per_request(step)
        if step in _ONCE:
            return Cost(1e3 * once / tokens, once)
        return Cost(whole.per_token - per_token(step), once)

    first = rows["paced", WHOLE][0]
    tokens = first.tokens / first.requests
    whole = Cost(per_token(WHOLE), per_request(WHOLE))
    bare = Cost(per_token(BARE), per_request(BARE))
    steps = {name: bare if name == BARE else cost(name) for name in _EXPLAINED}
    middle = Cost(
        Spread.of([row.cpu_microseconds_per_token for row in rows["paced", WHOLE]]).median,
        Spread.of([row.cpu_milliseconds_per_request for row in rows["whole", WHOLE]]).median,
    )
    noise = Cost(middle.per_token - whole.per_token, middle.per_request - whole.per_request)
    return Steps(steps, whole, noise)


def as_markdown(found: Steps) -> str:
    """Return the table of steps, with their sum and by how much it misses the whole."""
    shown = {name: (_EXPLAINED[name], cost) for name, cost in found.steps.items()}
    shown["sum"] = ("of the steps", found.added)
    shown["whole"] = ("sealed, everything on", found.whole)
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
        "noise": values(found.noise),
    }


def _way(name: str, without: Sequence[str]) -> Way:
    command = ["env", f"PYTHONPATH={ROOT}", sys.executable, "-m", "loadtests.stand_ins"]
    for step in without:
        command += ["--without", step]
    return Way(name, tuple(command), over_tls="tls" not in without)


async def start_variants(stack: AsyncExitStack, directory: Path) -> dict[str, Contender]:
    """Start a gateway for each step, one with and one without all of them; return them by name."""
    model = await start_model(stack, directory, pace_ms=20.0)
    prepared = await prepare(directory / "prepared", socket=model.socket, models=(PACED,))
    missing: dict[str, Sequence[str]] = {WHOLE: (), **{name: (name,) for name in STAND_INS}}
    missing[BARE] = tuple(STAND_INS)
    variants = {}
    for name, without in missing.items():
        ways = await start(stack, prepared, _way(name, without))
        print(f"steps: {name} runs", flush=True)
        variants[name] = ways[PLAIN if name == BARE else SEALED]
        if name == WHOLE:
            variants[SEAL] = ways[PLAIN]
    return variants


async def run(arguments: argparse.Namespace) -> Steps:
    """Measure every variant, round by round."""
    quick = arguments.quick
    loads = [
        Load("paced", PACED, 50 if quick else 100, 100 if quick else 200, pace_seconds=0.02),
        Load("whole", PACED, 50, 20, repeats=4, streamed=False),
    ]
    rows: dict[tuple[str, str], list[Row]] = {}
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        async with AsyncExitStack() as stack:
            variants = await start_variants(stack, Path(name))
            for load in loads:
                names = [name for name in variants if load.name != "paced" or name not in _ONCE]
                for round_ in range(3 if quick else arguments.rounds):
                    for variant in turned(names, round_):
                        one = _unjudged(variants[variant], variant)
                        row = await measure(one, load, pii_share=PII_SHARE)
                        rows.setdefault((load.name, variant), []).append(row)
                        if row.faults:
                            raise RuntimeError(f"{variant}, {load.name}: {row.faults[0]}")
                print(f"steps: {load.name} done", flush=True)
    return steps_of(rows)


def _unjudged(contender: Contender, variant: str) -> Contender:
    if variant not in {"scrub", BARE}:
        return contender
    return Contender(contender.target, contender.pid, redacts=False, start=contender.start)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure the steps and write `steps.md` and `steps.json`."""
    parser = argparse.ArgumentParser(prog="steps", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="three short rounds")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each load")
    parser.add_argument("--report", type=Path, default=REPORT, help="where the report goes")
    arguments = parser.parse_args(argv)
    found = uvloop.run(run(arguments))
    write_json(arguments.report / "steps.json", as_json(found, at=datetime.now(UTC)))
    text = as_markdown(found)
    (arguments.report / "steps.md").write_text(text + "\n", "utf-8")
    print(f"\n{text}\n\n{draw(arguments.report)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
