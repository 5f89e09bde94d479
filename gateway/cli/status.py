"""``sealgate status``: clients, keys and revocations at a glance, read from the store."""

from __future__ import annotations

import typer

from gateway.cli.act import act
from gateway.cli.output import AsJson, show
from gateway.cli.rows import key_row
from gateway.control.actors import LocalOperator

app = typer.Typer(invoke_without_command=True, help="Show clients, keys and revocations.")


@app.callback()
def status(context: typer.Context, as_json: AsJson = False) -> None:
    """Show the store at a glance."""
    report = act(context, lambda room: room.status.read(LocalOperator()))
    counts = {
        "revision": report.revision,
        "clients": report.clients,
        "clients_disabled": report.clients_disabled,
        "revocations": sum(report.revocations.values()),
        "backends": len(report.backends),
        "backends_drained": sum(status.drained for status in report.backends),
    }
    keys = [key_row(key) for key in report.keys]
    if as_json:
        show(counts | {"keys": keys}, as_json=True)
        return
    show(counts, as_json=False)
    show(keys, as_json=False)
