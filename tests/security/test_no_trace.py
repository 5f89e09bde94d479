"""Of what callers and models say nothing is left anywhere: not in files, databases, logs, metrics.

Everything that is sent to a real gateway, by every API, sealed and in the clear, well-formed and
not, holds one random mark. Afterwards the mark is looked for in every file of the gateway, of its
temporary folder and of its databases, in all spellings.
"""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import signal
import sqlite3
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx2
import pytest

from gateway.api.problems import PROBLEMS
from gateway.core.access_log import AccessRecord
from loadtests.fake_vllm import FakeVllm, Options, start_fake_vllm
from loadtests.script import Hang, Script
from tests.fakes.engines import PostgresServer, RedisServer
from tests.security.no_trace import Caller, Mark, bodies
from tests.security.no_trace_refusals import halves, refuse_clients, refuse_staff
from tests.story.gateway import Gateway
from tests.story.processes import PYTHON, Process

LIMITS = """
head_timeout_seconds = 0.4
idle_timeout_seconds = 0.4
[models.strict]
[scrub.models.strict]
types = { EMAIL = "block" }
[limits]
token_requests_per_minute = 100000
admin_requests_per_minute = 100000
lockout_failures = 1000
max_body_bytes = 1048576
"""
PROVOKED = {
    "invalid_member",
    "malformed_request",
    "payload_too_large",
    "unsupported_media_type",
    "open_failed",
    "unknown_key",
    "invalid_token",
    "invalid_client",
    "permission_denied",
    "not_found",
    "method_not_allowed",
    "replayed",
    "upstream_unavailable",
    "upstream_timeout",
    "scrub_failed",
    "encryption_required",
    "unsupported_parameter",
    "date_out_of_window",
    "upstream_refused",
    "answer_blocked",
    "request_timeout",
    "quota_exceeded",
    "address_not_allowed",
    "proof_required",
    "expectation_failed",
    "head_too_large",
    "target_too_long",
    "conflict",
    "version_mismatch",
    "idempotency_key_reused",
}
NOT_PROVOKED = {
    # They say that something is too much or too slow, and are made without a look at what was sent.
    "client_stalled",
    "overloaded",
    "rate_limited",
    # They come from a store or a key service, with the same words whoever asks.
    "store_unavailable",
    "commit_unconfirmed",
    "key_service_unavailable",
    "wrapping_token_refused",
    "audit_broken",
    "internal_error",
    # They are for staff: of a call that was killed, and of acts that want two.
    "outcome_unknown",
    "approval_needed",
}
# As loud as it gets: every library may log, and the event loop tells of all that it does.
SERVE = (
    "import logging, sys; logging.root.setLevel(logging.DEBUG);"
    "from gateway.cli.main import main; sys.argv = ['sealgate', *sys.argv[1:]]; main()"
)


class LoudGateway(Gateway):
    """A gateway that logs all it can, dumps core if it can, and has a temporary folder."""

    def start(self) -> None:
        """Serve, and return once both listeners answer."""
        temporary = self.directory / "tmp"
        temporary.mkdir(exist_ok=True)
        command = ["env", f"TMPDIR={temporary}", "PYTHONASYNCIODEBUG=1", "PYTHONFAULTHANDLER=1"]
        command += [PYTHON, "-W", "always", "-c", SERVE]
        command += ["--config", str(self.config), "serve"]
        self.process = Process(command, log=self.directory / "gateway.log", cwd=self.directory)
        self.process.wait_until(self._is_live, seconds=60)

    def die(self, number: int) -> None:
        """End the process as a bug or the kernel would."""
        assert self.process is not None
        os.kill(self.process.pid, number)
        assert self.process.stop() == -number


@contextmanager
def model_server(address: Path) -> Iterator[FakeVllm]:
    """Run a server that streams as vLLM does, on a thread."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    context = start_fake_vllm(address, options=Options(api_key="k"))
    try:
        yield asyncio.run_coroutine_threadsafe(context.__aenter__(), loop).result(10)
    finally:
        closing = context.__aexit__(None, None, None)
        asyncio.run_coroutine_threadsafe(closing, loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


@pytest.fixture
def folder() -> Iterator[Path]:
    """Give a folder whose path is short enough for a Unix socket."""
    path = Path(tempfile.mkdtemp(prefix="trace-"))
    (path / "vllm.key").write_text("k")
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


def shown(gateway: Gateway) -> bytes:
    """Return all that staff can be shown: metrics, audit trail, access log."""
    with httpx2.Client(verify=gateway.tls()) as http:
        metrics = http.get(f"{gateway.admin_origin}/metrics").content
    trail = gateway.command("audit", "export").encode()
    records: list[dict[str, Any]] = gateway.access_records()
    assert records
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


def dump(path: Path) -> bytes:
    """Return the rows of an SQLite database, as text."""
    connection = sqlite3.connect(path)
    try:
        return "\n".join(connection.iterdump()).encode()
    finally:
        connection.close()


def play(
    gateway: LoudGateway, mark: Mark, vllm: FakeVllm, *, dies_by: int, brief: bool = False
) -> tuple[Caller, bytes]:
    """Send everything, or a part of each kind if *brief*; then die in the middle of a call.

    Return who sent it, and what staff was shown before.
    """

    def say(script: Script) -> None:
        vllm.script = script

    gateway.start()
    caller = Caller(gateway, mark, say)
    with halves(caller):
        caller.all(brief=brief)
        refuse_clients(caller)
        refuse_staff(caller)
    assert sum(mark.core.encode() in request.body for request in vllm.requests) > 20
    output = shown(gateway)
    waiting = leave_in_flight(gateway, mark, vllm)
    gateway.die(dies_by)
    waiting.join(30)
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
    mark = Mark()
    with model_server(folder / "v.sock") as vllm:
        gateway = LoudGateway(
            folder, socket=folder / "v.sock", api_key_file=folder / "vllm.key", extra=""
        )
        configure(gateway, "")
        try:
            caller, output = play(gateway, mark, vllm, dies_by=signal.SIGABRT)
        finally:
            gateway.stop()
    assert caller.codes >= PROVOKED, PROVOKED - caller.codes
    assert set(PROBLEMS) == PROVOKED | NOT_PROVOKED
    rows = dump(gateway.state / "sealgate.db")
    assert b"client.create" in rows
    verify_no_trace(caller, [folder], rows, output)


@pytest.mark.usefixtures("cores")
def test_nothing_is_left_in_the_engines(folder: Path) -> None:
    """With PostgreSQL, which logs every statement, and Redis: neither keeps or logs a word."""
    if PostgresServer.find() is None or RedisServer.find() is None:
        pytest.skip("the packages of the engines are not installed")
    mark, database, redis = Mark(), PostgresServer(), RedisServer()
    try:
        database.start(log_statement="all")
        redis.start(loglevel="debug")
        name = database.create_database()
        engines = f"""
[store]
url = "{database.url(name).partition("?")[0]}"
password_file = "{database.password_file}"
[redis]
url = "redis://127.0.0.1:{redis.port}"
password_file = "{redis.password_file}"
"""
        with model_server(folder / "v.sock") as vllm:
            gateway = LoudGateway(
                folder, socket=folder / "v.sock", api_key_file=folder / "vllm.key", extra=engines
            )
            configure(gateway, "")
            try:
                caller, output = play(gateway, mark, vllm, dies_by=signal.SIGKILL, brief=True)
            finally:
                gateway.stop()
        tables = database.run(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'", database=name
        ).split()
        rows = "".join(
            database.run(f'SELECT t::text FROM "{table}" t', database=name) for table in tables
        ).encode()
        assert b"client.create" in rows
        assert b"INSERT" in (database.directory / "log").read_bytes()
        verify_no_trace(caller, [folder, database.directory, redis.directory], rows, output)
    finally:
        redis.close()
        database.close()


def configure(gateway: Gateway, more: str) -> None:
    """Put short limits into the configuration, and a model whose answers are blocked."""
    text = gateway.config.read_text("utf-8")
    head, upstream, rest = text.partition('vllm.key"\n')
    gateway.config.write_text(head + upstream + LIMITS + rest + more, "utf-8")


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
