"""``sealgate permissions``: what nobody uses, withheld and given back."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from gateway.cli.act import act
from gateway.cli.output import AsJson, show
from gateway.cli.rows import client_row
from gateway.control.actors import LocalOperator

app = typer.Typer(no_args_is_help=True, help="See, reclaim and restore unused permissions.")

_ME = LocalOperator()


@app.command()
def usage(
    context: typer.Context,
    after: Annotated[str, typer.Option(metavar="CLIENT:PERMISSION")] = "",
    limit: Annotated[int, typer.Option(min=1)] = 50,
    idle_days: Annotated[int, typer.Option(min=0, help="Only what was idle for so long.")] = 0,
    as_json: AsJson = False,
) -> None:
    """List the permissions of all clients and the day of their last use."""
    client_id, _, permission = after.partition(":")
    place = (client_id, permission)
    found = act(
        context,
        lambda room: room.permissions.list_usage(
            _ME, after=place, limit=limit, idle_days=idle_days
        ),
    )
    show([asdict(held) for held in found], as_json=as_json)


@app.command()
def reclaim(
    context: typer.Context,
    idle_days: Annotated[int, typer.Option(min=1, help="Days without a use.")],
    dry_run: Annotated[bool, typer.Option(help="Only show what would be withheld.")] = False,
    as_json: AsJson = False,
) -> None:
    """Withhold every permission that nobody used for so many days, and list it."""
    done = act(
        context,
        lambda room: room.permissions.reclaim(_ME, idle_days=idle_days, dry_run=dry_run),
    )
    show([asdict(held) for held in done], as_json=as_json)


@app.command()
def restore(
    context: typer.Context, client_id: str, permission: str, as_json: AsJson = False
) -> None:
    """Give a withheld permission back, as if granted today."""
    stored = act(context, lambda room: room.permissions.restore(_ME, client_id, permission))
    show(client_row(stored), as_json=as_json)
