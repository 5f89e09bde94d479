"""What every command shares: open the control room, act as the local operator, print, exit.

Exit codes: 0 done, 1 refused or failed, 2 wrong use (typer's own).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, TypeVar

import orjson
import typer
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from gateway.control.room import ControlRoom
from gateway.control.two_person import Proposed, parse_arguments
from gateway.core.errors import SealgateError
from gateway.core.registry import Proposal

# Controls, and marks that turn the direction of a line (Unicode categories Cc, Zl, Zp and bidi Cf).
_COMMANDS: Final = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")

T = TypeVar("T")
Row = Mapping[str, object]

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@dataclass(frozen=True, slots=True)
class Session:
    """How a command reaches the store: set as the context object by the main command."""

    open_control: Callable[[Path | None], Awaitable[ControlRoom]]
    config_path: Path | None = None


def act(context: typer.Context, work: Callable[[ControlRoom], Awaitable[T]]) -> T:
    """Return what *work* gives in an open control room; on a refusal print it and exit with 1."""
    session = context.obj
    assert isinstance(session, Session)
    with refusals():
        try:
            return asyncio.run(_act(session, work))
        except Proposed as waiting:
            typer.echo("Nothing was done yet: another owner must approve this proposal.", err=True)
            show(proposal_row(waiting.proposal), as_json=bool(context.params.get("as_json")))
            raise typer.Exit(0) from None


@contextmanager
def refusals() -> Iterator[None]:
    """Turn a refusal into one line on standard error and exit code 1."""
    try:
        yield
    except SealgateError as error:
        typer.echo(f"{error.code}: {error.detail}", err=True)
        raise typer.Exit(1) from None


async def _act(session: Session, work: Callable[[ControlRoom], Awaitable[T]]) -> T:
    room = await session.open_control(session.config_path)
    try:
        return await work(room)
    finally:
        await room.close()


def proposal_row(proposal: Proposal) -> Row:
    """Return a proposal's row."""
    return {
        "proposal_id": proposal.proposal_id,
        "action": proposal.action,
        "arguments": parse_arguments(proposal),
        "proposer": proposal.proposer,
        "created_at": proposal.created_at,
        "expires_at": proposal.expires_at,
        "state": proposal.state.value,
        "decided_by": proposal.decided_by,
        "decided_at": proposal.decided_at,
    }


def show(value: Row | Sequence[Row], *, as_json: bool) -> None:
    """Print one row, name by name, or several as a table; or either as JSON."""
    if as_json:
        typer.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())
        return
    if not value:
        typer.echo("none")
        return
    # Folded, never cut: a secret or a kid must be copied whole.
    if isinstance(value, Mapping):
        table = Table("name", Column("value", overflow="fold"), box=None, show_header=False)
        for name, cell in value.items():
            table.add_row(name, _cell(cell))
    else:
        columns = [Column(name, overflow="fold") for name in value[0]]
        table = Table(*columns, box=None, pad_edge=False)
        for row in value:
            table.add_row(*(_cell(cell) for cell in row.values()))
    Console().print(table)


def _cell(value: object) -> Text:
    if isinstance(value, Mapping):
        value = [f"{name}={part}" for name, part in value.items()]
    if isinstance(value, list | tuple):
        value = ", ".join(str(part) for part in value)
    # What callers chose is among it, and could else rewrite what stands beside it on a terminal.
    shown = _COMMANDS.sub(lambda found: ascii(found[0])[1:-1], str(value))
    return Text("-" if value is None or value == "" else shown)
