"""Sets the gateway against the model itself and against nginx, in one run and on one machine.

What counts are ratios of CPU time within the run: wall time on a shared machine says little. The
run stays on the loopback interface and stops by itself.
"""

import argparse
import asyncio
import ssl
import sys
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

import uvloop

from loadtests.certificate import write_certificate
from loadtests.client import Target, in_the_clear
from loadtests.gateway_process import add_gateway, find_sealgate
from loadtests.measure import Contender, Load, measure
from loadtests.peers import find_nginx, write_nginx
from loadtests.processes import (
    NotStartedError,
    free_port,
    is_listening,
    running,
    wait_for_start,
)
from loadtests.report import as_markdown, describe_faults, judge, write_report
from loadtests.stats import Row

REPORT = Path(__file__).parent / "report"
_ROOT = Path(__file__).parent.parent
_KEY = "bench-upstream-key"
_PII_SHARE = 0.05
_PACED, _FLOOD = "tiny", "tiny-flood"
_WHOLE_RUN_SECONDS = 600.0


def loads_of(arguments: argparse.Namespace) -> list[Load]:
    """Return the loads that the command line asks for."""
    pace = arguments.pace_ms / 1000
    rounds = 1 if arguments.quick else arguments.rounds
    tokens = 120 if arguments.quick else arguments.tokens
    return [
        Load("paced", _PACED, arguments.streams, tokens, pace_seconds=pace, rounds=rounds),
        Load("flood", _FLOOD, min(32, arguments.streams), 500, rounds=2 * rounds),
        Load("whole", _PACED, min(50, arguments.streams), 50, rounds=2 * rounds, streamed=False),
    ]


async def _start_model(stack: AsyncExitStack, directory: Path, pace_ms: float) -> Path:
    socket = directory / "vllm.sock"
    key_file = directory / "vllm.key"
    key_file.touch(mode=0o600)
    key_file.write_text(_KEY)
    command = [sys.executable, "-m", "loadtests.fake_vllm", "--uds", str(socket)]
    command += ["--pace-ms", str(pace_ms), "--pii-share", str(_PII_SHARE)]
    command += ["--model", _PACED, "--model", _FLOOD, "--flood-model", _FLOOD]
    command += ["--api-key-file", str(key_file)]
    log = directory / "vllm.log"
    await stack.enter_async_context(running(command, log=log, cwd=_ROOT))
    await wait_for_start(lambda: is_listening(socket), log=log)
    return socket


async def _add_nginx(
    stack: AsyncExitStack, directory: Path, *, socket: Path, with_tls: bool
) -> Contender | None:
    program = find_nginx()
    if program is None:
        return None
    name = "nginx-tls" if with_tls else "nginx"
    port = free_port()
    home = directory / name
    home.mkdir()
    certificate = write_certificate(home) if with_tls else None
    file = write_nginx(home, socket=socket, port=port, certificate=certificate)
    command = [program, "-p", str(home), "-c", str(file)]
    pid = await stack.enter_async_context(running(command, log=home / "log", cwd=home))
    await wait_for_start(lambda: is_listening(("127.0.0.1", port)), log=home / "log")
    tls = ssl.create_default_context(cafile=str(certificate[0])) if certificate else None
    prepare = in_the_clear(host="localhost", token=_KEY)
    target = Target(name, ("127.0.0.1", port), prepare, tls)
    return Contender(target, pid, redacts=False)


async def _contenders(
    stack: AsyncExitStack, directory: Path, arguments: argparse.Namespace
) -> list[Contender]:
    socket = await _start_model(stack, directory, arguments.pace_ms)
    direct = Target("direct", socket, in_the_clear(host="localhost", token=_KEY))
    contenders = [Contender(direct, None, redacts=False)]
    for with_tls in (False, True):
        peer = await _add_nginx(stack, directory, socket=socket, with_tls=with_tls)
        if peer is None:
            print("nginx is not installed: no ratios in this run")
            break
        contenders.append(peer)
    if find_sealgate() is None:
        print("the gateway is not installed beside this interpreter: left out")
    else:
        models = (_PACED, _FLOOD)
        contenders += await add_gateway(stack, directory, socket=socket, models=models)
    only = arguments.only
    return [one for one in contenders if not only or one.target.name in only]


async def run(arguments: argparse.Namespace) -> tuple[list[Row], list[str]]:
    """Run every load on every contender; return the rows and what else is worth a line."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        async with asyncio.timeout(_WHOLE_RUN_SECONDS), AsyncExitStack() as stack:
            contenders = await _contenders(stack, Path(name), arguments)
            for load in loads_of(arguments):
                for contender in contenders:
                    row = await measure(contender, load, pii_share=_PII_SHARE)
                    rows.append(row)
                    print(f"{row.load} {row.target}: {row.tokens_per_second:,.0f} tokens/s")
            notes = [note for contender in contenders for note in contender.notes]
    return rows, notes


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a minute at most, one round")
    parser.add_argument("--streams", type=int, default=100, help="streams at the same time")
    parser.add_argument("--tokens", type=int, default=500, help="tokens per paced stream")
    parser.add_argument("--pace-ms", type=float, default=20.0, help="time between two tokens")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each load")
    parser.add_argument("--only", action="append", default=[], help="measure only this target")
    parser.add_argument("--enforce", action="store_true", help="fail when a bar is missed")
    parser.add_argument("--report", type=Path, default=REPORT, help="where the report goes")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark; 0 when all that arrived was right, 1 otherwise."""
    arguments = _arguments(argv)
    try:
        rows, notes = uvloop.run(run(arguments))
    except NotStartedError as error:
        print(error, file=sys.stderr)
        return 1
    verdicts = judge(rows)
    write_report(arguments.report, rows, notes=notes, at=datetime.now(UTC))
    lines = [*map(str, verdicts), *notes, *describe_faults(rows)]
    print("\n".join(["", as_markdown(rows), "", *lines]))
    missed = arguments.enforce and not all(verdict.is_met for verdict in verdicts)
    return 1 if missed or any(row.faults for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
