"""One worker of several: serves on the sockets that the supervisor bound, and listens to it.

When the supervisor is gone the worker ends as after SIGTERM: nobody would replace or stop it.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Final

import uvloop

from gateway.backends.anonymous_file import AnonymousFile
from gateway.backends.event_log import install_event_log
from gateway.backends.hardening import harden_process
from gateway.backends.heap import keep_heap_small
from gateway.backends.metrics import count_as
from gateway.cli.gateway_process import GatewayProcess
from gateway.cli.main import reporting
from gateway.cli.supervisor import DRAIN, REFUSED, SHARED, Plan
from gateway.settings import Admin, Configuration, Listen, SettingsError, load_configuration

_MESSAGE_BYTES: Final = 4096


def main() -> None:
    """Serve; the arguments are the descriptor of the control channel, the plan and a number."""
    plan = Plan(**json.loads(sys.argv[2]))
    with reporting(), ExitStack() as stack:
        control, *sockets = [
            stack.enter_context(socket.socket(fileno=each))
            for each in (int(sys.argv[1]), plan.public, plan.admin)
        ]
        harden_process()
        keep_heap_small()
        install_event_log(sys.stderr)
        content = sys.stdin.buffer.read()
        configuration = with_workers(load_configuration(Path(plan.config), content=content), plan)
        _verify_addresses(configuration, sockets)
        count_as(int(sys.argv[3]))
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(configuration, plan, control, sockets))


async def _serve(
    configuration: Configuration,
    plan: Plan,
    control: socket.socket,
    sockets: list[socket.socket],
) -> None:
    shared = receive_shared(control)
    process = GatewayProcess(configuration, metrics=Path(plan.metrics), shared=shared)
    loop = asyncio.get_running_loop()
    control.setblocking(False)

    def hear() -> None:
        try:
            data = control.recv(_MESSAGE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            loop.remove_reader(control)
            process.departure.stop()
        if REFUSED in data:
            process.note_refused_configuration()
        if DRAIN in data:
            process.drain()

    loop.add_reader(control, hear)
    await process.run(on_ready=lambda: control.sendall(terms(configuration)), sockets=sockets)


def receive_shared(control: socket.socket) -> AnonymousFile:
    """Return the memory of all workers, which comes over the blocking socket *control* first.

    Not by inheritance: until this process was hardened, others of the same user could open what it
    holds, but not what is on its way through a socket. Raises ``SystemExit`` when nothing comes.
    """
    _, files, _, _ = socket.recv_fds(control, len(SHARED), 1, socket.MSG_CMSG_CLOEXEC)
    if not files:  # the supervisor is gone
        raise SystemExit(0)
    return AnonymousFile(files[0])


def with_workers(configuration: Configuration, plan: Plan) -> Configuration:
    """Return *configuration* with the number of workers that holds: the command line's, if any."""
    settings = configuration.settings
    given = plan.count if plan.is_count_given else settings.workers.count or plan.count
    workers = settings.workers.model_copy(update={"count": given})
    return replace(configuration, settings=settings.model_copy(update={"workers": workers}))


def terms(configuration: Configuration) -> bytes:
    """Return what the supervisor is told once this worker is ready: one line of JSON."""
    workers = configuration.settings.workers
    said = {
        "count": workers.count,
        "stop_seconds": workers.unready_seconds + workers.grace_seconds,
        "drain_seconds": workers.reload_grace_seconds,
    }
    return json.dumps(said).encode() + b"\n"


def _verify_addresses(configuration: Configuration, sockets: list[socket.socket]) -> None:
    """Raise ``SettingsError`` when the configuration names other addresses than are bound."""
    settings = configuration.settings
    listeners: list[tuple[str, Listen | Admin]] = [
        ("listen", settings.listen),
        ("admin", settings.admin),
    ]
    faults = [
        f"{name}: host and port stay until the gateway is started anew"
        for (name, listener), sock in zip(listeners, sockets, strict=True)
        if sock.getsockname()[:2] != (str(listener.host), listener.port)
    ]
    if faults:
        raise SettingsError(faults)


if __name__ == "__main__":
    main()
