"""The root of the ``sealgate`` command.

Exit codes: 0 done, 1 refused or failed, 2 wrong use.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from gateway.app import open_control
from gateway.cli import (
    audit,
    check_config,
    clients,
    credentials,
    init,
    keys,
    logs,
    permissions,
    proposals,
    revoke,
    scrub,
    serve,
    status,
)
from gateway.cli.session import Session
from gateway.core.errors import SealgateError
from gateway.settings import SettingsError

app = typer.Typer(
    help="Operate a Sealgate gateway.", no_args_is_help=True, pretty_exceptions_enable=False
)
app.add_typer(clients.app, name="clients")
app.add_typer(credentials.app, name="credentials")
app.add_typer(keys.app, name="keys")
app.add_typer(revoke.app, name="revoke")
app.add_typer(audit.app, name="audit")
app.add_typer(logs.app, name="logs")
app.add_typer(permissions.app, name="permissions")
app.add_typer(proposals.app, name="proposals")
app.add_typer(status.app, name="status")
app.command("init")(init.init)
app.command("serve")(serve.serve)
app.command("check-config")(check_config.check_config)
app.command("scrub")(scrub.scrub)
# The client's HTTP library is an extra of its own, which a gateway does without.
if find_spec("httpx2") is not None:
    from gateway.cli import connect, seal_request

    app.command("connect")(connect.connect)
    app.command("seal-request")(seal_request.seal_request)


@app.callback()
def root(
    context: typer.Context,
    config: Annotated[
        Path | None, typer.Option(help="Configuration file; ./sealgate.toml if it exists.")
    ] = None,
) -> None:
    """Take what every command needs."""
    context.obj = Session(open_control, config)


def main() -> None:
    """Run the command; refusals are one line on standard error, never a traceback."""
    try:
        app(_config_first(sys.argv[1:]))
    except SettingsError as error:
        _fail(error.faults)
    except SealgateError as error:
        _fail([error.detail])
    except OSError as error:
        what = error.strerror or type(error).__name__
        _fail([f"{error.filename}: {what}" if error.filename else what])


def _config_first(arguments: list[str]) -> list[str]:
    """Return *arguments* with ``--config`` in front; it may stand anywhere."""
    for place, argument in enumerate(arguments):
        if argument == "--":
            break
        if argument.startswith("--config="):
            return [argument, *arguments[:place], *arguments[place + 1 :]]
        if argument == "--config":
            end = place + 2
            return [*arguments[place:end], *arguments[:place], *arguments[end:]]
    return arguments


def _fail(lines: list[str]) -> None:
    for line in lines:
        sys.stderr.write(f"sealgate: {line}\n")
    raise SystemExit(1)
