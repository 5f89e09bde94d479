"""The root of the ``sealgate`` command, which imports of each command only what that one needs.

Exit codes: 0 done, 1 refused or failed, 2 wrong use.
"""

from __future__ import annotations

import sys
from collections import UserDict
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup
from typer.main import get_group

from gateway.cli.session import Session
from gateway.configured_room import open_control
from gateway.core.errors import SealgateError
from gateway.settings import SettingsError

_VERBS: Final = ("init", "migrate", "backup", "restore", "serve", "check-config", "scrub")
# The client's HTTP library is an extra of its own, which a gateway does without.
_CLIENT_VERBS: Final = ("connect", "seal-request") if find_spec("httpx2") is not None else ()
_NOUNS: Final = (
    "clients",
    "credentials",
    "keys",
    "backends",
    "revoke",
    "audit",
    "logs",
    "permissions",
    "proposals",
    "status",
)


class _Commands(UserDict[str, Any]):
    """The commands by name; the module of one is imported when it is asked for.

    Some need web frameworks and clients that take longer to load than most commands take to run.
    """

    def __getitem__(self, name: str) -> Any:
        module_name = super().__getitem__(name)
        module = import_module(f"gateway.cli.{module_name}")
        root = typer.Typer()
        if name in _NOUNS:
            root.add_typer(module.app, name=name)
        else:
            root.command(name)(getattr(module, module_name))
        return get_group(root).commands[name]


class _Root(TyperGroup):
    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        names = (*_VERBS, *_CLIENT_VERBS, *_NOUNS)
        self.commands = _Commands({name: name.replace("-", "_") for name in names})


app = typer.Typer(
    cls=_Root,
    help="Operate a Sealgate gateway.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


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
    """Run the command."""
    with reporting():
        app(_config_first(sys.argv[1:]))


@contextmanager
def reporting() -> Iterator[None]:
    """Turn refusals into lines on standard error and exit code 1, never a traceback."""
    try:
        yield
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
