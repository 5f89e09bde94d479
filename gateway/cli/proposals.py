"""``sealgate proposals``: acts that wait for a second person.

Deciding takes an owner with an access token, on the admin listener: whoever sits at the gateway's
machine may have proposed, and one person is not two. The commands say so.
"""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.act import act
from gateway.cli.output import AsJson, show
from gateway.cli.rows import proposal_row
from gateway.control.actors import LocalOperator

app = typer.Typer(no_args_is_help=True, help="See acts that wait for a second person.")

_ME = LocalOperator()


@app.command("list")
def list_proposals(
    context: typer.Context,
    after: str = "",
    limit: Annotated[int, typer.Option(min=1)] = 50,
    as_json: AsJson = False,
) -> None:
    """List proposals, oldest first."""
    found = act(context, lambda room: room.approvals.list_page(_ME, after=after, limit=limit))
    show([proposal_row(proposal) for proposal in found], as_json=as_json)


@app.command()
def approve(context: typer.Context, proposal_id: str, as_json: AsJson = False) -> None:
    """Say where a proposal is approved: never here. The attempt is in the audit trail."""
    decision = act(context, lambda room: room.approvals.approve(_ME, proposal_id))
    show(proposal_row(decision.proposal), as_json=as_json)


@app.command()
def reject(context: typer.Context, proposal_id: str, as_json: AsJson = False) -> None:
    """Say where a proposal is rejected: never here. The attempt is in the audit trail."""
    decision = act(context, lambda room: room.approvals.reject(_ME, proposal_id))
    show(proposal_row(decision.proposal), as_json=as_json)
