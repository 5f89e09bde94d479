"""Calls at a steady pace through each loss of an engine: what is refused, and how long it takes.

A gateway on PostgreSQL and Redis, its keys wrapped by OpenBao, all of them real. Each is killed,
frozen or sealed while known tokens, sealed requests, tokens to fetch and administrative acts go on.
Measured besides: what a shared store costs a sealed request over SQLite.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from copy import copy
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path

import httpx2

from gateway.core import bhttp
from gateway.core.bhttp_response import parse_response
from gateway.core.ohttp import REQUEST_MEDIA_TYPE, RequestSealer
from gateway.core.ohttp_keys import parse_key_list
from loadtests.fault_cells import Call, Cell, Promise, as_table, judge
from loadtests.processes import is_listening, running, wait_for_start
from loadtests.stats import percentile
from tests.fakes.engines import PostgresServer, RedisServer
from tests.fakes.openbao import OpenBao, find_executable
from tests.story.gateway import Gateway

_ROOT = Path(__file__).parent.parent
_PACE_SECONDS = 0.02  # fifty calls a second
_BEFORE_SECONDS = 2.0
_QUIET_SECONDS = 0.7
_PATIENCE_SECONDS = 20.0
_PER_STORE = 100
_UPSTREAM_KEY = "load-upstream-key"
_TURN = ("plain", "sealed", "plain", "sealed", "plain", "sealed", "plain", "sealed", "token", "act")
"""Of ten calls; one act and one token each fifth of a second."""


class Site:
    """A gateway under load: one client, and an operator whose token was fetched before."""

    def __init__(self, gateway: Gateway) -> None:
        """Take the running *gateway*."""
        self.gateway = gateway
        self.account = gateway.create_client(plaintext_allowed=True)
        self.token = gateway.token(self.account)
        self.operator = gateway.token(gateway.staff["operator"])
        self.http = httpx2.AsyncClient(
            verify=gateway.tls(), timeout=30, limits=httpx2.Limits(max_connections=200)
        )
        with gateway.http() as http:
            keys = http.get("/.well-known/ohttp-gateway").raise_for_status().content
        self.key = parse_key_list(keys)[0]

    async def close(self) -> None:
        """End the connections."""
        await self.http.aclose()

    async def plain(self) -> int:
        """Ask for the models with a token that is known; return the status."""
        url, headers = f"{self.gateway.origin}/v1/models", {"authorization": f"Bearer {self.token}"}
        return (await self.http.get(url, headers=headers)).status_code

    async def sealed(self) -> int:
        """Ask the same, sealed; return the status inside, or outside when it was not opened."""
        sealer = RequestSealer(self.key)
        headers = (
            (b"date", formatdate(usegmt=True).encode()),
            (b"authorization", b"Bearer " + self.token.encode()),
        )
        authority = f"127.0.0.1:{self.gateway.port}".encode()
        request = bhttp.Request(b"GET", b"/v1/models", authority=authority, headers=headers)
        answer = await self.http.post(
            f"{self.gateway.origin}/.well-known/ohttp-gateway",
            content=sealer.finish(bhttp.encode_request(request)),
            headers={"content-type": REQUEST_MEDIA_TYPE},
        )
        if not answer.is_success:
            return answer.status_code
        opener = copy(sealer).response_opener()
        return parse_response(opener.feed(answer.content) + opener.finish()).status

    async def fetch_token(self) -> int:
        """Fetch a token; return the status."""
        answer = await self.http.post(
            f"{self.gateway.origin}/oauth2/token",
            data={"grant_type": "client_credentials"},
            auth=(self.account.client_id, self.account.client_secret),
        )
        return answer.status_code

    async def revoke(self) -> int:
        """Withdraw a token that nobody has; return the status."""
        body = {"kind": "jti", "subject": f"nobody-{time.monotonic_ns()}"}
        return await self._administer("/revocations", body)

    async def rewrap(self) -> int:
        """Wrap all keys anew; return the status."""
        return await self._administer("/keys/rewrap", {})

    async def _administer(self, path: str, body: dict[str, str]) -> int:
        answer = await self.http.post(
            f"{self.gateway.admin_origin}/admin/v1{path}",
            json=body or None,
            headers={"authorization": f"Bearer {self.operator}"},
        )
        return answer.status_code

    def calls(self) -> dict[str, Callable[[], Awaitable[int]]]:
        """Return the kinds of calls by name."""
        return {
            "plain": self.plain,
            "sealed": self.sealed,
            "token": self.fetch_token,
            "act": self.revoke,
        }


@dataclass(frozen=True, slots=True)
class Fault:
    """How an engine is lost and comes back, and what that may do."""

    name: str
    begin: Callable[[], object]
    end: Callable[[], object]
    promise: Promise
    seconds: float
    kind_of_act: str = "act"


async def run_cell(site: Site, fault: Fault) -> Cell:
    """Return what fifty calls a second saw before, during and after *fault*."""
    calls: list[Call] = []
    tasks: set[asyncio.Task[None]] = set()
    kinds = {**site.calls(), "wrap": site.rewrap}
    began_at = time.perf_counter() + _BEFORE_SECONDS

    async def one(kind: str) -> None:
        began = time.perf_counter()
        status = await kinds[kind]()
        calls.append(Call(kind, began - began_at, status, time.perf_counter() - began))

    async def pace(until: float, *, with_acts: bool = True) -> None:
        number = 0
        while (now := time.perf_counter()) < until:
            turn = _TURN if with_acts else _TURN[:-1]
            kind = turn[number % len(turn)]
            task = asyncio.create_task(one(fault.kind_of_act if kind == "act" else kind))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            number += 1
            await asyncio.sleep(max(0.0, now + _PACE_SECONDS - time.perf_counter()))

    await pace(began_at - _QUIET_SECONDS)
    # Who changed something and cannot read it again trusts nothing at once (ADR 0004): rightly, but
    # then nobody sees how long trust lasts else.
    await pace(began_at, with_acts=False)
    began_at = time.perf_counter()
    await asyncio.to_thread(fault.begin)
    await pace(began_at + fault.seconds)
    await asyncio.to_thread(fault.end)
    recovered = await _recovered([kinds[kind] for kind in {c.kind for c in calls}])
    await asyncio.gather(*tasks)
    return Cell(fault.name, fault.promise, fault.seconds, tuple(calls), recovered)


async def _recovered(kinds: Sequence[Callable[[], Awaitable[int]]]) -> float | None:
    """Return after how many seconds every kind of call was answered well."""
    began = time.perf_counter()
    while (passed := time.perf_counter() - began) < _PATIENCE_SECONDS:
        if {await kind() for kind in kinds} <= {200, 201}:
            return passed
        await asyncio.sleep(0.1)
    return None


async def store_costs(sites: dict[str, Site]) -> str:
    """Return the median of a sealed call over each store, each in turn so that all share noise."""
    times: dict[str, list[float]] = {name: [] for name in sites}
    for _ in range(_PER_STORE):
        for name, site in sites.items():
            began = time.perf_counter()
            if await site.sealed() != 200:
                raise RuntimeError(f"{name} does not serve")
            times[name].append((time.perf_counter() - began) * 1000)
    medians = {name: percentile(found, 0.5) for name, found in times.items()}
    least = medians["SQLite"]
    return "\n".join(
        f"{name}: a sealed call takes {median:.2f} ms (p50), {median - least:+.2f} ms over SQLite"
        for name, median in medians.items()
    )


def faults_of(
    database: PostgresServer, redis: RedisServer, vault: OpenBao, *, seconds: float
) -> list[Fault]:
    """Return every cell of the matrix."""
    no_redis = Promise(refused=frozenset({"sealed"}))
    no_database = Promise(
        refused=frozenset({"token", "act"}), refused_later=frozenset({"plain", "sealed"})
    )
    no_vault = Promise(refused=frozenset({"wrap"}))
    return [
        Fault("Redis killed", redis.crash, redis.start, no_redis, seconds / 2),
        Fault("Redis frozen", redis.freeze, redis.thaw, no_redis, seconds / 2),
        Fault("PostgreSQL killed", database.crash, database.start, no_database, seconds),
        Fault("PostgreSQL frozen", database.freeze, database.thaw, no_database, seconds),
        Fault(
            "OpenBao sealed",
            lambda: vault.do("PUT", "sys/seal"),
            vault.unseal,
            no_vault,
            seconds / 2,
            kind_of_act="wrap",
        ),
    ]


@asynccontextmanager
async def _model(directory: Path) -> AsyncIterator[Path]:
    socket, key_file = directory / "vllm.sock", directory / "vllm.key"
    key_file.write_text(_UPSTREAM_KEY)
    command = [sys.executable, "-m", "loadtests.fake_vllm", "--uds", str(socket)]
    command += ["--model", "tiny", "--api-key-file", str(key_file)]
    log = directory / "vllm.log"
    async with running(command, log=log, cwd=_ROOT):
        await wait_for_start(lambda: is_listening(socket), log=log)
        yield socket


def _site(engines: ExitStack, home: Path, *, socket: Path, extra: str) -> Site:
    home.mkdir()
    limits = "[limits]\ntoken_requests_per_minute = 100000\nadmin_requests_per_minute = 100000\n"
    key_file = socket.with_name("vllm.key")
    gateway = Gateway(home, socket=socket, api_key_file=key_file, extra=limits + extra)
    engines.callback(gateway.stop)
    gateway.start()
    return Site(gateway)


def _store(database: PostgresServer) -> str:
    url = database.url(database.create_database()).partition("?")[0]
    return f'[store]\nurl = "{url}"\npassword_file = "{database.password_file}"\n'


def _redis(redis: RedisServer) -> str:
    url = f"redis://127.0.0.1:{redis.port}"
    return f'[redis]\nurl = "{url}"\npassword_file = "{redis.password_file}"\n'


def _vault(vault: OpenBao, directory: Path) -> str:
    key = vault.transit_key()
    role = vault.role(vault.policy(key))
    secret_id = directory / "secret-id"
    secret_id.write_text(vault.secret_id(role))
    return (
        f'[vault]\nurl = "{vault.url}"\nca_file = "{vault.ca_file}"\n'
        f'role_id = "{vault.role_id(role)}"\nsecret_id_file = "{secret_id}"\n'
        f'secret_id_wrapped = false\ntransit_key = "{key}"\n'
    )


async def measure(directory: Path, *, seconds: float) -> tuple[list[Cell], str]:
    """Return every cell and what the stores cost; *directory* is short and empty."""
    program = find_executable()
    if PostgresServer.find() is None or RedisServer.find() is None or program is None:
        raise RuntimeError("the engines of the development lock are not installed")
    with ExitStack() as engines:
        database, redis = PostgresServer(), RedisServer()
        engines.callback(database.close)
        engines.callback(redis.close)
        database.start()
        redis.start()
        (directory / "openbao").mkdir()
        vault = OpenBao(directory / "openbao", program)
        engines.callback(vault.stop)
        vault.start()
        async with AsyncExitStack() as stack:
            socket = await stack.enter_async_context(_model(directory))
            wrapped = _store(database) + 'key_wrap = "vault"\n' + _vault(vault, directory)
            sites = {}
            for name, extra in (
                ("SQLite", ""),
                ("PostgreSQL", _store(database)),
                ("PostgreSQL and Redis", wrapped + _redis(redis)),
            ):
                home = directory / name.replace(" ", "-")
                sites[name] = site = _site(engines, home, socket=socket, extra=extra)
                stack.push_async_callback(site.close)
            costs = await store_costs(sites)
            site = sites["PostgreSQL and Redis"]
            faults = faults_of(database, redis, vault, seconds=seconds)
            return [await run_cell(site, fault) for fault in faults], costs


def main(argv: Sequence[str] | None = None) -> int:
    """Run all cells; 0 when every promise was kept, 1 otherwise."""
    parser = argparse.ArgumentParser(prog="faults", description=__doc__)
    parser.add_argument("--seconds", type=float, default=8.0, help="of the longest fault")
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="faults-") as name:
        cells, costs = asyncio.run(measure(Path(name), seconds=arguments.seconds))
    sys.stdout.write(f"{as_table(cells)}\n\n{costs}\n\n")
    broken = 0
    for cell in cells:
        faults = judge(cell)
        broken += len(faults)
        recovered = "never" if cell.recovered_after is None else f"{cell.recovered_after:.1f} s"
        sys.stdout.write(f"{cell.name}: back after {recovered}; {len(faults)} promises broken\n")
        sys.stdout.writelines(f"  {fault}\n" for fault in faults[:10])
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
