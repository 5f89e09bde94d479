"""The supervisor as a process, over workers that are a few lines each."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.cli.supervisor import Plan
from tests.architecture.source import ROOT

# What a worker is to its supervisor: it reads its configuration, says that it is ready, notes what
# it hears, and ends when it is told to.
WORKER = """
import os, signal, socket, sys
content = sys.stdin.read()
if "bad" in content:
    sys.exit(1)
control = socket.socket(fileno=int(sys.argv[1]))
_, (shared,), _, _ = socket.recv_fds(control, 1, 1)
os.write(shared, b"%d " % os.getpid())
seen = open(sys.argv[0] + f".{os.getpid()}", "w", buffering=1)
def stop(*_):
    seen.write("stop\\n")
    if "stubborn" not in content:
        sys.exit(0)
signal.signal(signal.SIGTERM, stop)
seen.write(content + "\\n")
control.sendall(b'{"count": %d, "stop_seconds": 0, "drain_seconds": 0}\\n' % content.count("x"))
while said := control.recv(100).decode():
    seen.write(said)
    if said == "drain\\n":
        sys.exit(0)
"""
SUPERVISE = (
    "import json, sys; from gateway.cli.supervisor import *;"
    "plan = Plan(**json.loads(sys.argv[1]));"
    "sys.exit(Supervisor(plan, command=[sys.argv[3], '-I', '-S', sys.argv[2]]).run())"
)


class Service:
    """A supervisor, its configuration file and what its workers have written."""

    def __init__(self, directory: Path, content: str = "x x") -> None:
        self.directory = directory
        self.config = directory / "c"
        self.config.write_text(content)
        self.script = directory / "worker.py"
        self.script.write_text(WORKER)
        self.python = directory / "python"
        self.python.symlink_to(sys.executable)
        self.address = str(directory / "n")
        self.told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.told.settimeout(20)
        self.told.bind(self.address)
        self._sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
        self.log = directory / "log"

    def start(self) -> None:
        public, admin = (each.fileno() for each in self._sockets)
        plan = Plan(
            public,
            admin,
            config=str(self.config),
            must_exist=True,
            count=2,
            is_count_given=False,
            announcement="serving",
            metrics=str(self.directory),
            notify_socket=self.address,
        )
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", SUPERVISE, plan.as_json(), self.script, self.python],
                env={"PYTHONPATH": str(ROOT)},
                stderr=log,
                pass_fds=(public, admin),
            )

    def send(self, number: int) -> None:
        self.process.send_signal(number)

    def said(self) -> str:
        return self.log.read_text()

    def workers(self) -> dict[int, str]:
        """Return what each worker has noted: its configuration, then what it heard."""
        files = self.directory.glob("worker.py.*")
        return {int(file.suffix[1:]): file.read_text() for file in files}

    def living(self) -> set[int]:
        return {pid for pid in self.workers() if Path(f"/proc/{pid}/cwd").exists()}

    def numbers(self) -> dict[int, int]:
        """Return the number with which each living worker was started."""
        lines = {pid: Path(f"/proc/{pid}/cmdline").read_bytes() for pid in self.living()}
        return {pid: int(line.split(b"\0")[-2]) for pid, line in lines.items()}

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for pid in self.living():
            os.kill(pid, signal.SIGKILL)
        self.told.close()
        for each in self._sockets:
            each.close()


def until(happened: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """Give a service of two workers that is announced."""
    service = Service(tmp_path)
    service.start()
    try:
        assert service.told.recv(100) == b"READY=1"
        yield service
    finally:
        service.close()


def test_service_is_announced_and_ends_when_told(service: Service) -> None:
    """systemd and the operator are told when all workers are ready; SIGTERM is passed on."""
    assert len(service.living()) == 2
    service.send(signal.SIGTERM)
    assert service.process.wait(20) == 0
    assert service.told.recv(100) == b"STOPPING=1"
    assert [text.split()[-1] for text in service.workers().values()] == ["stop", "stop"]
    assert service.said() == "sealgate: serving\n"


def test_killed_worker_is_replaced(service: Service) -> None:
    """The other one does not notice, and what the dead one showed at the moment is removed.

    The new one has its number, under which it counts on.
    """
    victim, other = service.living()
    numbers = service.numbers()
    assert sorted(numbers.values()) == [0, 1]
    left, kept = (
        service.directory / f"{name}_{numbers[victim]}.db" for name in ("gauge_livemax", "counter")
    )
    others = service.directory / f"gauge_livemax_{numbers[other]}.db"
    for file in (left, kept, others):
        file.touch()
    os.kill(victim, signal.SIGKILL)
    until(lambda: victim not in service.living() and len(service.living()) == 2)
    assert service.workers()[other].split() == ["x", "x"]
    assert "SIGKILL" in service.said()
    assert [file.exists() for file in (left, kept, others)] == [False, True, True]
    assert sorted(service.numbers().values()) == [0, 1]


def test_memory_of_the_workers_outlives_them(service: Service) -> None:
    """What the first ones wrote a new one finds; it has no place on a command line or a disk."""
    first = service.living()
    for victim in first:
        os.kill(victim, signal.SIGKILL)
    until(lambda: not first & service.living() and len(service.living()) == 2)
    newest = max(service.living())
    (shared,) = (
        each
        for each in Path(f"/proc/{newest}/fd").iterdir()
        if str(each.readlink()).startswith("/memfd:")
    )
    assert first | service.living() == {int(pid) for pid in shared.read_text().split()}


def test_worker_that_cannot_be_started_is_tried_again(service: Service) -> None:
    """While the system gives no new process the other worker serves on; then there is one."""
    victim, other = service.living()
    service.python.rename(service.directory / "away")
    os.kill(victim, signal.SIGKILL)
    until(lambda: "no worker can be started" in service.said())
    assert service.living() == {other}
    (service.directory / "away").rename(service.python)
    until(lambda: len(service.living()) == 2)
    assert service.workers()[other].split() == ["x", "x"]


def test_new_configuration_is_served_by_new_workers(service: Service) -> None:
    """After SIGHUP workers with the new text take over, as many as it says; the old are drained."""
    old = service.living()
    service.config.write_text("x x x")
    service.send(signal.SIGHUP)
    until(lambda: "new configuration is served" in service.said())
    until(lambda: not old & service.living())
    assert [service.workers()[pid].split()[-1] for pid in old] == ["drain", "drain"]
    assert [service.workers()[pid].split() for pid in service.living()] == [["x"] * 3] * 3


@pytest.mark.parametrize("fault", ["bad", "gone"])
def test_refused_configuration_leaves_all_as_it_was(service: Service, fault: str) -> None:
    """A text with which no worker starts, or none: the same workers serve on and are told."""
    old = service.living()
    if fault == "bad":
        service.config.write_text("bad")
    else:
        service.config.unlink()
    service.send(signal.SIGHUP)
    until(lambda: all("refused" in service.workers()[pid] for pid in old))
    assert service.living() == old
    assert "refused" in service.said()
    os.kill(min(old), signal.SIGKILL)
    until(lambda: service.living() != old and len(service.living()) == 2)  # with the old text


def test_second_signal_does_not_wait(tmp_path: Path) -> None:
    """Workers that do not end when told twice are killed."""
    service = Service(tmp_path, "x x stubborn")
    service.start()
    try:
        assert service.told.recv(100) == b"READY=1"
        service.send(signal.SIGTERM)
        until(lambda: all("stop" in text for text in service.workers().values()))
        service.send(signal.SIGINT)
        assert service.process.wait(20) == 0
        assert service.living() == set()
    finally:
        service.close()


def test_service_that_does_not_start_says_so(tmp_path: Path) -> None:
    """When the first workers fail the exit code is 1, and nothing is left running."""
    service = Service(tmp_path, "bad")
    service.start()
    try:
        assert service.process.wait(20) == 1
        assert service.said().count("\n") == 1
        assert service.living() == set()
    finally:
        service.close()


def test_others_of_the_user_cannot_open_what_it_holds() -> None:
    """Before it does anything else it is a process that the kernel lets nobody look into."""
    command = (
        "import ctypes, sys, gateway.cli.supervisor\n"
        "try: gateway.cli.supervisor.main()\n"
        "except ValueError: print(ctypes.CDLL(None).prctl(3))"  # PR_GET_DUMPABLE
    )
    run = subprocess.run(
        [sys.executable, "-c", command, "no plan"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout == "0\n"


def test_nothing_of_the_gateway_is_loaded() -> None:
    """The supervisor has no library for keys, certificates or settings in its memory."""
    heavy = (
        "{'ssl', 'cryptography', 'pydantic', 'sqlalchemy', 'asyncio', 'typer', 'gateway.settings'}"
    )
    command = f"import sys, gateway.cli.supervisor; print(sorted({heavy} & set(sys.modules)))"
    run = subprocess.run(
        [sys.executable, "-c", command], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert run.stdout == "[]\n"
