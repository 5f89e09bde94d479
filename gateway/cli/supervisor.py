"""The supervisor of several workers: a small process of its own, which only starts and watches.

It holds the listening sockets, the text of the configuration and the memory that its workers share,
into which it never looks; no key and no TLS context. It loads nothing beyond Python's own library
for that. What it decides is in ``core/supervision``.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from gateway.backends.hardening import harden_process
from gateway.core.supervision import Do, Order, Supervision, Terms

_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
_MESSAGE_BYTES: Final = 4096
_ORDINARY: Final = (0, 1, -signal.SIGTERM)
"""What workers end with that were told to end, or have said themselves why they do."""

SHARED: Final = b"s"
"""To a worker, before all else: with it comes the descriptor of the memory of all workers."""

DRAIN: Final = b"drain\n"
"""To a worker: accept nothing more, another one does."""

REFUSED: Final = b"refused\n"
"""To a worker: a newer configuration than yours was refused."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What the supervisor is started with.

    *public* and *admin* are file descriptors of listening sockets. *config* is read anew at SIGHUP;
    unless it *must_exist* it may be missing. *is_count_given* says that a configuration does not
    change *count*. *metrics* is where the workers count; *notify_socket* is systemd's.
    """

    public: int
    admin: int
    config: str
    must_exist: bool
    count: int
    is_count_given: bool
    announcement: str
    metrics: str
    notify_socket: str | None = None

    def as_json(self) -> str:
        """Return the plan as one argument of a command."""
        return json.dumps(asdict(self))


@dataclass(slots=True)
class _Running:
    number: int
    process: subprocess.Popen[bytes]
    control: socket.socket
    received: bytes = b""


class Supervisor:
    """Starts *command* for each worker: with a descriptor of its control channel, plan and number.

    The number is the lowest that no other worker has; it names the files in which it counts.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        command: Iterable[str] = (sys.executable, "-P", "-m", "gateway.cli.worker"),
    ) -> None:
        self._plan = plan
        self._command = tuple(command)
        self._supervision = Supervision(plan.count)
        self._running: dict[int, _Running] = {}
        self._shared = os.memfd_create("sealgate")
        self._configurations = [self._read_configuration()]
        self._selector = selectors.DefaultSelector()
        self._orders: deque[Order] = deque()
        self._is_over = False

    def run(self) -> int:
        """Supervise to the end; return the exit status."""
        woken, waker = socket.socketpair()
        for end in (woken, waker):
            end.setblocking(False)
        signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
        for number in _SIGNALS:
            signal.signal(number, lambda _number, _frame: None)
        self._selector.register(
            woken, selectors.EVENT_READ, lambda: self._take_signals(woken.recv(_MESSAGE_BYTES))
        )
        self._do(self._supervision.start(time.monotonic()))
        while not self._is_over:
            self._wait()
        return 0 if self._supervision.failure is None else 1

    def _wait(self) -> None:
        now = time.monotonic()
        due = self._supervision.next_at(now)
        for key, _ in self._selector.select(None if due is None else max(0.0, due - now)):
            handle: Callable[[], None] = key.data
            handle()
        self._reap()
        self._do(self._supervision.tick(time.monotonic()))

    def _take_signals(self, numbers: bytes) -> None:
        for number in numbers:
            if number == signal.SIGHUP:
                self._reload()
            elif number != signal.SIGCHLD:
                notify(self._plan.notify_socket, b"STOPPING=1")
                self._do(self._supervision.stop(time.monotonic()))

    def _reload(self) -> None:
        try:
            self._configurations.append(self._read_configuration())
        except OSError as error:
            _say(f"{self._plan.config}: {error.strerror}")
            self._refuse()
        else:
            self._do(self._supervision.reload(time.monotonic()))

    def _read_configuration(self) -> bytes:
        try:
            return Path(self._plan.config).read_bytes()
        except FileNotFoundError:
            if self._plan.must_exist:
                raise
            return b""

    def _reap(self) -> None:
        for number, running in list(self._running.items()):
            status = running.process.poll()
            if status is None:
                continue
            self._hear(number)
            self._forget(number)
            for left in Path(self._plan.metrics).glob(f"gauge_live*_{running.number}.db"):
                left.unlink(missing_ok=True)
            if status not in _ORDINARY:
                _say(f"worker {running.process.pid} ended: {_how(status)}")
            self._do(self._supervision.exited(number, time.monotonic()))

    def _forget(self, number: int) -> None:
        running = self._running.pop(number)
        with suppress(KeyError):
            self._selector.unregister(running.control)
        running.control.close()

    def _hear(self, number: int) -> None:
        running = self._running[number]
        try:
            data = running.control.recv(_MESSAGE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            with suppress(KeyError):
                self._selector.unregister(running.control)
            return
        running.received += data
        if running.received.endswith(b"\n"):
            terms = Terms(**json.loads(running.received))
            running.received = b""
            self._do(self._supervision.ready(number, terms, time.monotonic()))

    def _do(self, orders: Iterable[Order]) -> None:
        self._orders += orders
        while self._orders:
            self._carry_out(self._orders.popleft())

    def _carry_out(self, order: Order) -> None:
        if order.do is Do.START:
            self._start(order)
        elif order.do is Do.ANNOUNCE:
            _say(self._plan.announcement)
            notify(self._plan.notify_socket, b"READY=1")
        elif order.do is Do.ACCEPT:
            _say("the new configuration is served")
        elif order.do is Do.REFUSE:
            self._refuse()
        elif order.do is Do.END:
            self._end()
        elif order.worker in self._running:
            self._tell(self._running[order.worker], order.do)

    def _start(self, order: Order) -> None:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        sockets = (self._plan.public, self._plan.admin)
        number = min(
            set(range(len(self._running) + 1)) - {r.number for r in self._running.values()}
        )
        arguments = [str(theirs.fileno()), self._plan.as_json(), str(number)]
        try:
            with theirs:
                process = subprocess.Popen(  # noqa: S603  # our own interpreter and module
                    [*self._command, *arguments],
                    stdin=subprocess.PIPE,
                    pass_fds=(theirs.fileno(), *sockets),
                    process_group=0,  # Ctrl-C is for the supervisor, which passes it on in its way
                )
        except OSError as error:  # no memory or no process left: like a worker that dies at once
            ours.close()
            _say(f"no worker can be started: {error.strerror}")
            self._do(self._supervision.exited(order.worker, time.monotonic()))
            return
        assert process.stdin is not None
        with suppress(BrokenPipeError), process.stdin as stdin:
            socket.send_fds(ours, [SHARED], [self._shared])
            stdin.write(self._configurations[order.generation])
        self._running[order.worker] = _Running(number, process, ours)
        self._selector.register(ours, selectors.EVENT_READ, lambda: self._hear(order.worker))

    def _tell(self, running: _Running, do: Do) -> None:
        if do is Do.KILL:
            running.process.kill()
        elif do is Do.STOP:
            running.process.terminate()
        else:
            with suppress(OSError):  # it has ended, which is what was to be said
                running.control.sendall(DRAIN)

    def _refuse(self) -> None:
        _say("the new configuration is refused, the old one is served on")
        for running in self._running.values():
            with suppress(OSError):
                running.control.sendall(REFUSED)

    def _end(self) -> None:
        self._is_over = True
        if self._supervision.failure is not None:
            _say(f"{self._supervision.failure}, so the gateway ends")


def _how(status: int) -> str:
    return signal.Signals(-status).name if status < 0 else f"exit status {status}"


def notify(address: str | None, message: bytes) -> None:
    """Tell systemd at its *address*, if there is one (sd_notify(3)). Never fails."""
    if address:
        if address.startswith("@"):  # an abstract name
            address = "\0" + address[1:]
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as service:
            service.sendto(message, address)


def _say(line: str) -> None:
    sys.stderr.write(f"sealgate: {line}\n")
    sys.stderr.flush()


def main() -> None:
    """Supervise the workers of the plan that is the one argument."""
    harden_process()  # what its workers share could be opened by way of it
    plan = Plan(**json.loads(sys.argv[1]))
    for left in Path(plan.metrics).glob("*.db"):
        left.unlink(missing_ok=True)
    # The library that counts looks for this name when it is loaded, which only workers do.
    os.putenv("PROMETHEUS_MULTIPROC_DIR", plan.metrics)
    sys.exit(Supervisor(plan).run())


if __name__ == "__main__":
    main()
