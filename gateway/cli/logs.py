"""``sealgate logs``: show, check and purge the access log of this host."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from gateway.cli.act import act
from gateway.cli.output import AsJson, show
from gateway.cli.rows import record_row, segment_row
from gateway.control.actors import LocalOperator
from gateway.core.access_log import LogSpan

app = typer.Typer(no_args_is_help=True, help="Show, check and purge the access log.")

_ME = LocalOperator()
_FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]


@app.command("days")
def list_days(context: typer.Context, as_json: AsJson = False) -> None:
    """List the days that have a log."""
    days = act(context, lambda room: room.retention.list_days(_ME))
    show([{"day": day} for day in days], as_json=as_json)


@app.command("show")
def show_records(
    context: typer.Context,
    since: Annotated[
        datetime | None, typer.Option("--from", formats=_FORMATS, help="In UTC.")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option("--to", formats=_FORMATS, help="In UTC; not included.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000_000)] = 1000,
    as_json: AsJson = False,
) -> None:
    """Show the first records of a span: time, status, address. There is nothing else."""
    first = datetime(1970, 1, 1) if since is None else since  # noqa: DTZ001  # its zone is next
    last = datetime.now(UTC) + timedelta(days=1) if until is None else until
    span = LogSpan(first.replace(tzinfo=UTC), last.replace(tzinfo=UTC))
    found = act(context, lambda room: room.retention.read(_ME, span, limit=limit))
    show([record_row(record) for record in found], as_json=as_json)


@app.command()
def verify(context: typer.Context, as_json: AsJson = False) -> None:
    """Check every frame of every segment. Exit code 1 when one is not as it was written.

    A segment is unfinished while its process writes to it, and torn or unfinished after a crash.
    """
    reports = act(context, lambda room: room.retention.verify(_ME))
    show([segment_row(report) for report in reports], as_json=as_json)
    if not all(report.is_sound for report in reports):
        typer.echo("The access log is not as it was written.", err=True)
        raise typer.Exit(1)


@app.command()
def purge(
    context: typer.Context,
    older_than_days: Annotated[int | None, typer.Option(min=0)] = None,
    as_json: AsJson = False,
) -> None:
    """Destroy logs older than so many days; by the configured retention when none is given."""
    days = act(context, lambda room: room.retention.purge(_ME, older_than_days=older_than_days))
    show([{"day": day} for day in days], as_json=as_json)
