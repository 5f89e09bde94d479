"""Runs a command in an open control room, as the local operator, and says what was refused.

Exit codes: 0 done, 1 refused or failed, 2 wrong use (typer's own).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import typer

from gateway.cli.output import show
from gateway.cli.rows import proposal_row
from gateway.cli.session import Session
from gateway.control.room import ControlRoom
from gateway.control.two_person import Proposed
from gateway.core.errors import SealgateError

T = TypeVar("T")


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
