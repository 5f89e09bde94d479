"""Of what callers and models say nothing is left anywhere: not in files, databases, logs, metrics.

Everything that is sent to a real gateway, by every API, sealed and in the clear, well-formed and
not, holds one random mark. Afterwards the mark is looked for in every file of the gateway, of its
temporary folder and of its databases, in all spellings. Everything that can go wrong does so
meanwhile: an error that nobody provokes here fails the test.
"""

from __future__ import annotations

import resource
import shutil
import signal
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any

import pytest

from gateway.api.problems import PROBLEMS
from gateway.core.access_log import AccessRecord
from loadtests.fake_vllm import FakeVllm, Options, start_fake_vllm
from loadtests.script import Hang, Script
from tests.fakes.engines import PostgresServer, RedisServer
from tests.fakes.lost_commit import losing_commits
from tests.fakes.openbao import OpenBao
from tests.security import no_trace_faults as faults
from tests.security.no_trace import Mark, bodies
from tests.security.no_trace_caller import Caller
from tests.security.no_trace_refusals import halves, refuse_clients, refuse_staff
from tests.security.no_trace_site import LoudGateway, VaultRole, on_a_thread
from tests.story.gateway import Gateway

Faults = Callable[[Caller], None]


@pytest.fixture
def folder() -> Iterator[Path]:
    """Give a folder whose path is short enough for a Unix socket."""
    path = Path(tempfile.mkdtemp(prefix="trace-"))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def cores() -> Iterator[None]:
    """Let what is started here dump core if it wants to."""
    limits = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (limits[1], limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_CORE, limits)


def leave_in_flight(gateway: Gateway, mark: Mark, vllm: FakeVllm) -> threading.Thread:
    """Begin a call that the model does not answer; return once the model server has it."""
    vllm.script = Script([Hang()], hold_head=True)
    before, account = len(vllm.requests), gateway.create_client()

    def call() -> None:
        path, body = next(bodies(mark))
        with suppress(Exception), gateway.sealed(account) as http:
            http.post(gateway.origin + path, json=body)

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    deadline = time.monotonic() + 30
    while len(vllm.requests) == before:
        assert time.monotonic() < deadline, "the call did not reach the model server"
        time.sleep(0.01)
    return thread


def shown(caller: Caller) -> bytes:
    """Return all that staff can be shown: metrics, audit trail, access log."""
    metrics = caller.note_metrics()
    with caller.staff(caller.auditor) as http:
        trail = http.get("/audit/export").raise_for_status().content
        records: list[dict[str, Any]] = []
        after: dict[str, str] = {}
        while after or not records:
            page = http.get("/access-log", params={"limit": 200, **after}).raise_for_status().json()
            records += page["items"]
            after = {"after": page["next"]} if page["next"] else {}
    assert all(set(record) == {"time", "status", "ip"} for record in records)
    assert set(AccessRecord.__slots__) == {"at", "status", "ip"}
    return metrics + trail + repr(records).encode()


def found_in(name: str, content: bytes, needles: dict[str, bytes]) -> list[str]:
    """Return where and in which spelling something of *needles* is, with what is around it."""
    places = ((spelling, content.find(needle)) for spelling, needle in needles.items())
    return [f"{name} ({how}): {content[at - 60 : at + 90]!r}" for how, at in places if at >= 0]


def traces(folders: list[Path], needles: dict[str, bytes]) -> list[str]:
    """Return where anything of *needles* is in the files, and the names of files, in *folders*."""
    found = []
    for path in (path for folder in folders for path in folder.rglob("*")):
        found += found_in("a name", str(path).encode(), needles)
        if path.is_file():
            found += found_in(path.name, path.read_bytes(), needles)
    return found


def play(gateway: LoudGateway, mark: Mark, lose: Faults, *, dies_by: int) -> tuple[Caller, bytes]:
    """Send everything, also while *lose* takes away what is needed; then die amid a call.

    Return who sent it all, and what staff was shown before the end.
    """
    with on_a_thread(start_fake_vllm(gateway.socket, options=Options(api_key="k"))) as vllm:

        def say(script: Script) -> None:
            vllm.script = script

        try:
            gateway.start()
            caller = Caller(gateway, mark, say)
            with halves(caller):
                caller.all()
                for provoke in (refuse_clients, refuse_staff, *faults.OF_ITS_OWN, lose):
                    provoke(caller)
            assert sum(mark.core.encode() in request.body for request in vllm.requests) > 20
            output = shown(caller)
            waiting = leave_in_flight(gateway, mark, vllm)
            gateway.die(dies_by)
            waiting.join(30)
        finally:
            gateway.stop()
    return caller, output


def verify_no_trace(caller: Caller, folders: list[Path], rows: bytes, output: bytes) -> None:
    """Fail with every place where something of what was sent is found."""
    gateway = caller.gateway
    needles = caller.mark.needles()
    needles |= {f"secret {n}": secret.encode() for n, secret in enumerate(caller.secrets)}
    assert found_in("shown", output, needles) == []
    assert found_in("rows", rows, needles) == []
    assert traces(folders, needles) == []
    assert not [path for path in gateway.directory.rglob("*") if path.name.startswith("core")]
    assert list((gateway.directory / "tmp").iterdir()) == []
    log = (gateway.directory / "gateway.log").read_text("utf-8")
    events = [line for line in log.splitlines() if not line.startswith("sealgate: ")]
    assert all(line.startswith("{") for line in events), "something else than an event was logged"


@pytest.mark.usefixtures("cores")
def test_nothing_is_left_on_one_host(folder: Path) -> None:
    """With the embedded store: no file, no row, no line holds a word of any call."""
    gateway = LoudGateway(folder)
    with closing(sqlite3.connect(gateway.state / "sealgate.db", isolation_level=None)) as rows:

        def lose(caller: Caller) -> None:
            faults.break_trail(caller, rows.execute)

        caller, output = play(gateway, Mark(), lose, dies_by=signal.SIGABRT)
        dumped = "\n".join(rows.iterdump()).encode()
    assert b"client.create" in dumped
    verify_no_trace(caller, [folder], dumped, output)


@pytest.mark.usefixtures("cores")
def test_nothing_is_left_by_any_error(folder: Path, tmp_path: Path, openbao: OpenBao) -> None:
    """With PostgreSQL, which logs every statement, Redis and OpenBao: nobody keeps or logs a word.

    Not while all is well, and not with any error that there is.
    """
    if PostgresServer.find() is None or RedisServer.find() is None:
        pytest.skip("the packages of the engines are not installed")
    with ExitStack() as engines:
        database, redis = PostgresServer(), RedisServer()
        engines.callback(database.close)
        engines.callback(redis.close)
        database.start(log_statement="all")
        redis.start(loglevel="debug")
        way = engines.enter_context(on_a_thread(losing_commits(database.port)))
        name, vault = database.create_database(), VaultRole(openbao, tmp_path)
        url = database.url(name).partition("?")[0].replace(f":{database.port}/", f":{way.port}/")
        extra = f"""
[store]
url = "{url}"
password_file = "{database.password_file}"
key_wrap = "vault"
{vault.settings}
[redis]
url = "redis://127.0.0.1:{redis.port}"
password_file = "{redis.password_file}"
"""

        def lose(caller: Caller) -> None:
            faults.lose_redis(caller, redis)
            faults.lose_database(caller, database, way)
            faults.break_trail(caller, lambda sql: database.run(sql, database=name))
            faults.lose_key_service(caller, vault)

        gateway = LoudGateway(folder, extra=extra, vault=vault)
        caller, output = play(gateway, Mark(), lose, dies_by=signal.SIGKILL)
        tables = database.run(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'", database=name
        ).split()
        rows = "".join(
            database.run(f'SELECT t::text FROM "{table}" t', database=name) for table in tables
        ).encode()
        assert b"client.create" in rows
        assert b"INSERT" in (database.directory / "log").read_bytes()
        caller.secrets += vault.tokens
        keepers = [database.directory, redis.directory, openbao.directory]
        verify_no_trace(caller, [folder, *keepers], rows, output)
    assert set(PROBLEMS) - caller.codes == set(), "not every error that there is was provoked"


@pytest.mark.parametrize("spelling", Mark().needles())
def test_the_search_finds_what_is_there(tmp_path: Path, spelling: str) -> None:
    """A mark that was put into a file, in whichever spelling and place, is found there."""
    mark = Mark()
    (tmp_path / "deep" / "er").mkdir(parents=True)
    planted = {name: b"x" * 5 + needle + b"y" * 5 for name, needle in mark.needles().items()}
    (tmp_path / "deep" / "er" / "file.db").write_bytes(planted[spelling])
    (found,) = traces([tmp_path], {spelling: mark.needles()[spelling]})
    assert found.startswith(f"file.db ({spelling})")
    assert traces([tmp_path], Mark().needles()) == []
