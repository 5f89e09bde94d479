"""``sealgate audit``: read, verify and export the audit trail."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import IO, Annotated

import typer

from gateway.cli.act import act, refusals
from gateway.cli.output import AsJson, Row, show
from gateway.control.actors import LocalOperator
from gateway.control.room import ControlRoom
from gateway.core.audit import AuditHead, AuditRow, TrailVerifier
from gateway.core.audit_lines import (
    MAX_LINE_BYTES,
    encode_head,
    encode_line,
    parse_head,
    parse_line,
)

app = typer.Typer(no_args_is_help=True, help="Read, verify and export the audit trail.")

_ME = LocalOperator()


@app.command("list")
def list_audit(
    context: typer.Context,
    after: Annotated[int, typer.Option(min=0)] = 0,
    limit: Annotated[int, typer.Option(min=1)] = 50,
    as_json: AsJson = False,
) -> None:
    """List rows in the order in which they were written. The reading itself is the last one."""
    found = act(context, lambda room: room.audit.list_page(_ME, after=after, limit=limit))
    show([_row(row) for row in found], as_json=as_json)


@app.command()
def verify(
    context: typer.Context,
    head: Annotated[
        str | None, typer.Option(metavar="NUMBER:DIGEST", help="A head that was noted earlier.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option(help="An exported trail, instead of the one in the store.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check every row and print the head to note. Exit code 1 names the first wrong row."""
    with refusals():
        noted = None if head is None else parse_head(head)
        verified = None if file is None else _verify_file(file, noted)
    if verified is None:
        verified = act(context, lambda room: room.audit.verify(_ME, noted=noted))
    show({"rows": verified.number, "head": encode_head(verified)}, as_json=as_json)


@app.command()
def export(
    context: typer.Context,
    output: Annotated[
        Path | None, typer.Option(help="A new file; standard output if none.")
    ] = None,
) -> None:
    """Write the whole trail as JSON Lines."""
    if output is None:
        act(context, lambda room: _export(room, sys.stdout.buffer))
        return
    output.touch(mode=0o600, exist_ok=False)  # who did what is not for everybody
    with output.open("wb") as file:
        act(context, lambda room: _export(room, file))


async def _export(room: ControlRoom, file: IO[bytes]) -> None:
    async for rows in await room.audit.export(_ME):
        file.writelines(map(encode_line, rows))
    file.flush()


def _verify_file(path: Path, noted: AuditHead | None) -> AuditHead:
    """Return the head of an exported trail. Raises ``AuditBroken``."""
    verifier = TrailVerifier(noted=noted)
    with path.open("rb") as file:
        while line := file.readline(MAX_LINE_BYTES + 1):
            verifier.feed(parse_line(line))
    return verifier.finish()


def _row(row: AuditRow) -> Row:
    entry = row.entry
    return {
        "number": row.number,
        "at": entry.at,
        "actor": entry.actor,
        "action": entry.action,
        "target": entry.target,
        "outcome": entry.outcome.value,
        "request_id": entry.request_id,
        "detail": entry.detail,
        "digest": row.digest,
    }
