"""``sealgate serve``: run the gateway until it is told to stop, in one process or in several.

With workers this process becomes their supervisor by ``exec``: nothing that was loaded to get
there, code, configuration or key, is left in it.
"""

from __future__ import annotations

import asyncio
import os
import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
import uvloop

from gateway.backends.event_log import install_event_log
from gateway.backends.hardening import harden_process
from gateway.backends.heap import keep_heap_small
from gateway.backends.listening import bind
from gateway.cli.gateway_process import GatewayProcess, say
from gateway.cli.own_certificate import renew_own_certificate
from gateway.cli.reload import Reload
from gateway.cli.session import Session
from gateway.cli.supervisor import Plan, notify
from gateway.configured_room import utc_now
from gateway.core.errors import StoreUnavailable
from gateway.settings import Configuration, authority, load_configuration
from gateway.settings_workers import MAX_WORKERS


def serve(
    context: typer.Context,
    workers: Annotated[
        int | None,
        typer.Option(min=1, max=MAX_WORKERS, help="Processes; instead of [workers] count."),
    ] = None,
    notify_socket: Annotated[
        str | None, typer.Option(envvar="NOTIFY_SOCKET", hidden=True)  # systemd's, sd_notify(3)
    ] = None,
) -> None:
    """Serve the public and the admin listener until SIGTERM or SIGINT."""
    harden_process()
    keep_heap_small()
    install_event_log(sys.stderr)
    session: Session = context.obj
    configuration = load_configuration(session.config_path)
    _prepare(configuration)
    count = workers or configuration.settings.workers.count
    if count is not None:
        _become_supervisor(configuration, session.config_path, workers, notify_socket)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(configuration, session.config_path, notify_socket))


def _prepare(configuration: Configuration) -> None:
    at = configuration.at
    if at.storage_key_file is not None and not at.storage_key_file.exists():
        raise StoreUnavailable("There is no key file here; run `sealgate init` first.")
    renew_own_certificate(configuration, now=utc_now())


async def _serve(
    configuration: Configuration, file: Path | None, notify_socket: str | None
) -> None:
    process = GatewayProcess(configuration)
    reload = Reload(
        configuration,
        partial(load_configuration, file),
        tell=say,
        note_refused=lambda is_refused: process.note_refused_configuration(is_refused=is_refused),
    )

    def announce() -> None:
        say(_announcement(configuration))
        notify(notify_socket, b"READY=1")

    await process.run(on_ready=announce, reload=reload)


def _announcement(configuration: Configuration) -> str:
    listen, admin = configuration.settings.listen, configuration.settings.admin
    public, private = authority(listen.host, listen.port), authority(admin.host, admin.port)
    return f"serving https://{public}, administration https://{private}"


def _become_supervisor(
    configuration: Configuration, file: Path | None, workers: int | None, notify_socket: str | None
) -> None:
    settings = configuration.settings
    sockets = bind((each.host, each.port) for each in (settings.listen, settings.admin))
    metrics = configuration.at.directory / "metrics"
    metrics.mkdir(mode=0o700, parents=True, exist_ok=True)
    for each in sockets:
        each.set_inheritable(True)
    plan = Plan(
        public=sockets[0].fileno(),
        admin=sockets[1].fileno(),
        config=str((file or Path("sealgate.toml")).absolute()),
        must_exist=file is not None,
        count=workers or settings.workers.count or 1,
        is_count_given=workers is not None,
        announcement=_announcement(configuration),
        metrics=str(metrics),
        notify_socket=notify_socket,
    )
    sys.stderr.flush()
    # -P: a module in the working directory is none of ours.
    command = [sys.executable, "-P", "-m", "gateway.cli.supervisor", plan.as_json()]
    os.execv(sys.executable, command)  # noqa: S606  # no shell is wanted
