"""``sealgate backends``: list, drain and undrain model servers."""

from __future__ import annotations

import typer

from gateway.cli.act import act
from gateway.cli.output import AsJson, show
from gateway.cli.rows import backend_row
from gateway.control.actors import LocalOperator

app = typer.Typer(no_args_is_help=True, help="List, drain and undrain model servers.")

_ME = LocalOperator()


@app.command("list")
def list_backends(context: typer.Context, as_json: AsJson = False) -> None:
    """List the configured model servers. How they are, the admin API and /metrics tell."""
    found = act(context, lambda room: room.backends.list_all(_ME))
    show([backend_row(status) for status in found], as_json=as_json)


@app.command()
def drain(context: typer.Context, name: str, as_json: AsJson = False) -> None:
    """Give a model server no new calls, within a second and in every gateway."""
    status = act(context, lambda room: room.backends.drain(_ME, name))
    show(backend_row(status), as_json=as_json)


@app.command()
def undrain(context: typer.Context, name: str, as_json: AsJson = False) -> None:
    """Give a model server calls again."""
    status = act(context, lambda room: room.backends.undrain(_ME, name))
    show(backend_row(status), as_json=as_json)
