"""Measures how soon a revocation counts in every process of a group on one store.

Several gateways serve from one database: on one host from a SQLite file, on several from real
engines, which are all that those have in common. One gateway after the other, and so one host after
the other, is told to revoke; in each, clients call with what is revoked and a stream of it runs.
Measured is the time to the first refusal and to the end of the stream; checked is that nothing
passes afterwards, and that bystanders are left alone.
"""

import argparse
import asyncio
import math
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import jwt
import uvloop

from gateway.core.ohttp_keys import KeyConfig
from gateway.core.registry import EVERYTHING_SUBJECT, RevocationKind
from loadtests.gateway_group import MODEL, Account, Group, Host, Member, start_group
from loadtests.probe import Caller, Probe, Stream, fetch_key
from loadtests.processes import NotStartedError, is_listening, running, wait_for_start
from loadtests.reach import (
    Reach,
    Revoked,
    Where,
    as_text,
    judge,
    reach_of,
    write_report,
)
from loadtests.shared_store import Engine, start_store

REPORT = Path(__file__).parent / "report"
_OF_ONE_CLIENT = ("jti", "client_id", "credential_id")
KINDS = (*_OF_ONE_CLIENT, "role", "kid")
_ROOT = Path(__file__).parent.parent
_UPSTREAM_KEY = "load-upstream-key"
_PACE_MS = 40
_PATIENCE_SECONDS = 5.0
"""How long a refusal or a cut is waited for; several times what is promised."""
_SETTLE_SECONDS = 0.3
"""How long calls go on after every process has refused."""
_SECOND = 1.1
"""Cuts by time refuse tokens of the same second, so a new token waits until it is over."""
_WATCH_SECONDS = 0.25
_STRIDE = 0.618
"""Moves the moment of revoking over the interval at which processes look at the store."""
_OK, _UNAUTHORIZED = 200, 401


@dataclass(frozen=True, slots=True)
class Plan:
    """What is run."""

    engine: Engine = Engine.SQLITE
    hosts: int = 1
    processes: int = 4
    """On each host."""
    is_told: bool = True
    """Whether PostgreSQL tells of changes; if not, each process has to look."""
    revocations: int = 120
    callers: int = 4
    """Bystanders, each of which calls every process."""
    standing: int = 0
    """Revoked tokens that the store holds from the start."""
    kinds: tuple[str, ...] = KINDS


@dataclass(frozen=True, slots=True)
class _Stage:
    group: Group
    key: KeyConfig
    connections: tuple[httpx2.AsyncClient, ...]
    """One per process, kept open over all revocations."""


async def measure(plan: Plan, directory: Path) -> list[Reach]:
    """Return what each revocation did in each process; *directory* is short and empty.

    What a bystander should not have seen is a fault of one that reached nothing.
    """
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(start_store(plan.engine, is_told=plan.is_told))
        hosts = []
        for number in range(plan.hosts):
            home = directory / f"host-{number}"
            home.mkdir()
            await stack.enter_async_context(_start_model(home))
            hosts.append(Host(home, store.sections(home)))
        group = await stack.enter_async_context(start_group(hosts, processes=plan.processes))
        await group.add_revocations(plan.standing)
        connections = [await stack.enter_async_context(group.connect()) for _ in group.members]
        stage = _Stage(group, await fetch_key(group), tuple(connections))
        callers = [Caller(group, await group.create_client()) for _ in range(plan.callers)]
        await asyncio.sleep(2 * _WATCH_SECONDS)  # until every process knows them
        tasks = [asyncio.create_task(caller.run()) for caller in callers]
        try:
            return await _run_all(plan, stage, callers)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _run_all(plan: Plan, stage: _Stage, callers: Sequence[Caller]) -> list[Reach]:
    reaches: list[Reach] = []
    share = math.ceil(plan.revocations / len(plan.kinds))
    members = stage.group.members
    for kind in plan.kinds:
        for number in range(share):
            asked = members[number % len(members)]
            pause = (number * _STRIDE) % 1 * _WATCH_SECONDS
            reaches += await _try(stage, kind, asked, pause=pause)
        if faults := faults_of_others(kind, [caller.statuses for caller in callers]):
            reaches.append(Reach(kind, Where.ITSELF, faults=faults))
        for caller in callers:
            caller.statuses.clear()
    return reaches


def faults_of_others(kind: str, statuses: Sequence[Counter[int]]) -> tuple[str, ...]:
    """Return what bystanders should not have seen, from how often each saw which status.

    What concerns one client leaves them alone. Else they are refused until they have a new token.
    """
    is_of_one = kind in _OF_ONE_CLIENT
    seen = sum(statuses, Counter[int]())
    wanted = {_OK} if is_of_one else {_OK, _UNAUTHORIZED}
    faults = [f"{n} calls of others got {s}" for s, n in seen.items() if s not in wanted]
    if is_of_one and not all(of_one[_OK] for of_one in statuses):
        faults.append("one of the others was not served")
    return tuple(faults)


async def _try(stage: _Stage, kind: str, asked: Member, *, pause: float) -> list[Reach]:
    """Revoke once, through *asked*; return what that did in each process."""
    group = stage.group
    await group.renew_admin_token()
    account = await group.create_client()
    token = await group.fetch_token(account)
    probes = [
        Probe(http, member, token)
        for http, member in zip(stage.connections, group.members, strict=True)
    ]
    tasks = [asyncio.create_task(probe.run()) for probe in probes]
    try:
        await asyncio.gather(*(p.wait_for_success(seconds=_PATIENCE_SECONDS) for p in probes))
        streams = await asyncio.gather(
            *(Stream.open(group, member, key=stage.key, token=token) for member in group.members)
        )
        await asyncio.sleep(pause)
        subject = _subject(kind, account, token)
        revoked = Revoked(kind, *await group.revoke(kind, subject, through=asked))
        await asyncio.gather(*(p.wait_for_refusal(seconds=_PATIENCE_SECONDS) for p in probes))
        endings = await asyncio.gather(
            *(stream.wait_for_end(seconds=_PATIENCE_SECONDS) for stream in streams)
        )
        cuts_by_time = kind in {RevocationKind.ROLE, RevocationKind.EVERYTHING}
        await asyncio.sleep(_SECOND if cuts_by_time else _SETTLE_SECONDS)
    finally:
        for probe in probes:
            probe.stop()
        await asyncio.gather(*tasks)
    return [
        reach_of(revoked, _where(member, asked), attempts=probe.attempts, ending=ending)
        for member, probe, ending in zip(group.members, probes, endings, strict=True)
    ]


def _where(member: Member, asked: Member) -> Where:
    if member is asked:
        return Where.ITSELF
    return Where.SAME_HOST if member.host is asked.host else Where.OTHER_HOST


def _subject(kind: str, account: Account, token: str) -> str:
    unverified_claims = jwt.decode(token, options={"verify_signature": False})
    subjects = {
        "jti": str(unverified_claims["jti"]),
        "client_id": account.client_id,
        "credential_id": account.credential_id,
        "role": "application",
        "kid": str(jwt.get_unverified_header(token)["kid"]),
        "everything": EVERYTHING_SUBJECT,
    }
    return subjects[kind]


@asynccontextmanager
async def _start_model(directory: Path) -> AsyncIterator[None]:
    socket, key_file = directory / "vllm.sock", directory / "vllm.key"
    key_file.touch(mode=0o600)
    key_file.write_text(_UPSTREAM_KEY)
    command = [sys.executable, "-m", "loadtests.fake_vllm", "--uds", str(socket)]
    command += ["--pace-ms", str(_PACE_MS), "--model", MODEL, "--api-key-file", str(key_file)]
    log = directory / "vllm.log"
    async with running(command, log=log, cwd=_ROOT):
        await wait_for_start(lambda: is_listening(socket), log=log)
        yield


def parse_plan(argv: Sequence[str] | None) -> tuple[Plan, Path]:
    """Return what the command line asks for, and where the report goes."""
    plan = Plan()
    parser = argparse.ArgumentParser(prog="revocation", description=__doc__)
    parser.add_argument("--store", type=Engine, choices=list(Engine), default=plan.engine)
    parser.add_argument("--hosts", type=int, help="with state of their own; 2 on servers")
    parser.add_argument("--processes", type=int, help="gateways on each host; 4 in all")
    parser.add_argument(
        "--without-push", action="store_true", help="let PostgreSQL tell nobody of a change"
    )
    parser.add_argument("--revocations", type=int, default=plan.revocations, help="over all kinds")
    parser.add_argument("--callers", type=int, default=plan.callers, help="bystanders")
    parser.add_argument("--standing", type=int, default=0, help="tokens revoked before")
    parser.add_argument("--kind", action="append", choices=list(RevocationKind), help="only this")
    parser.add_argument("--report", type=Path, default=REPORT, help="where the report goes")
    found = parser.parse_args(argv)
    is_file = found.store is Engine.SQLITE
    hosts = found.hosts or (1 if is_file else 2)
    if is_file and (hosts > 1 or found.without_push):
        parser.error("a SQLite file is of one host, and has no push")
    plan = Plan(
        engine=found.store,
        hosts=hosts,
        processes=found.processes or max(1, plan.processes // hosts),
        is_told=not found.without_push,
        revocations=found.revocations,
        callers=found.callers,
        standing=found.standing,
        kinds=tuple(found.kind or KINDS),
    )
    return plan, found.report


def main(argv: Sequence[str] | None = None) -> int:
    """Run the measurement; 0 when every promise was kept, 1 otherwise."""
    plan, report = parse_plan(argv)
    try:
        with tempfile.TemporaryDirectory(prefix="reach-") as name:
            reaches = uvloop.run(measure(plan, Path(name)))
    except NotStartedError as error:
        print(error, file=sys.stderr)
        return 1
    what = f"revocation-{plan.engine}{'' if plan.is_told else '-without-push'}"
    write_report(report, what, reaches, plan={"at": datetime.now(UTC), **asdict(plan)})
    print(as_text(reaches))
    return 1 if judge(reaches) else 0


if __name__ == "__main__":
    sys.exit(main())
