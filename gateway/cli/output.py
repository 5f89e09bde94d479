"""What commands print: rows as a table, or JSON. No value in it commands the terminal.

Apart from the commands themselves, so that one that only serves keeps no table printer in memory.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Final

import orjson
import typer
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

# Controls, and marks that turn the direction of a line (Unicode categories Cc, Zl, Zp and bidi Cf).
_OTHERS: Final = "\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
_COMMANDS: Final = re.compile(f"[\x00-\x1f{_OTHERS}]")
_RAW_COMMANDS: Final = re.compile(f"[{_OTHERS}]")  # what JSON may hold as it is

Row = Mapping[str, object]

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def show(value: Row | Sequence[Row], *, as_json: bool) -> None:
    """Print one row, name by name, or several as a table; or either as JSON."""
    if as_json:
        text = orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
        typer.echo(_RAW_COMMANDS.sub(lambda found: f"\\u{ord(found[0]):04x}", text))
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
