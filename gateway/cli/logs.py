"""``sealgate logs``: read and purge the access log."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from gateway.cli.rows import record_row
from gateway.cli.session import AsJson, act, show
from gateway.control.actors import LocalOperator

app = typer.Typer(no_args_is_help=True, help="Read and purge the access log.")

_ME = LocalOperator()


@app.command("days")
def list_days(context: typer.Context, as_json: AsJson = False) -> None:
    """List the days that have a log."""
    days = act(context, lambda room: room.retention.list_days(_ME))
    show([{"day": day} for day in days], as_json=as_json)


@app.command()
def read(
    context: typer.Context,
    day: Annotated[datetime, typer.Argument(formats=["%Y-%m-%d"])],
    skip: Annotated[int, typer.Option(min=0)] = 0,
    limit: Annotated[int, typer.Option(min=1)] = 100,
    as_json: AsJson = False,
) -> None:
    """Show the records of one day: time, status, address. There is nothing else."""
    found = act(context, lambda room: room.retention.read(_ME, day.date(), skip=skip, limit=limit))
    show([record_row(record) for record in found], as_json=as_json)


@app.command()
def purge(
    context: typer.Context,
    older_than_days: Annotated[int | None, typer.Option(min=0)] = None,
    as_json: AsJson = False,
) -> None:
    """Delete logs older than so many days; the configured retention when none is given."""
    days = act(context, lambda room: room.retention.purge(_ME, older_than_days=older_than_days))
    show([{"day": day} for day in days], as_json=as_json)
