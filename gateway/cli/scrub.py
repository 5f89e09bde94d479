"""``sealgate scrub``: scrub text from standard input as the gateway scrubs answers.

It needs no configuration and no store, and what it writes is all that it keeps.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from gateway.core.errors import MalformedRequest
from gateway.core.pii import StreamScrubber
from gateway.core.pii.matches import Finding

_PIECE = 65_536

AsLines = Annotated[
    bool, typer.Option("--jsonl", "--json", help='Read and write lines of {"id", "text"}.')
]
Pieces = Annotated[
    int, typer.Option("--stream", min=0, help="Cut each text into pieces of so many characters.")
]
Explain = Annotated[
    bool, typer.Option("--explain", help="Also say what was found: type, rule, start and end.")
]


def scrub(as_lines: AsLines = False, stream: Pieces = 0, explain: Explain = False) -> None:
    """Write standard input scrubbed.

    What ``--explain`` finds is a member ``found`` of each line, or, without ``--jsonl``, goes to
    standard error line by line. Values themselves are never shown.
    """
    source = typer.get_text_stream("stdin", encoding="utf-8", errors="replace")
    if as_lines:
        for number, line in enumerate(source, 1):
            if line.strip():
                scrubbed = _scrub_line(_parse(line, number), stream=stream, explain=explain)
                # Escaped, since JSON can hold what no encoding can: halves of surrogate pairs.
                sys.stdout.write(json.dumps(scrubbed) + "\n")
        return
    scrubber = StreamScrubber(explains=explain)
    while text := source.read(stream or _PIECE):
        sys.stdout.write(scrubber.feed(text))
        _tell(scrubber.findings())
    sys.stdout.write(scrubber.finish())
    _tell(scrubber.findings())


def _parse(line: str, number: int) -> dict[str, Any]:
    try:
        item = json.loads(line)
    except (ValueError, RecursionError):
        item = None
    if not isinstance(item, dict) or not isinstance(item.get("text"), str):
        raise MalformedRequest(f'line {number} is no object with a string "text"')
    return item


def _scrub_line(item: dict[str, Any], *, stream: int, explain: bool) -> dict[str, Any]:
    scrubber = StreamScrubber(explains=explain)
    safe = [scrubber.feed(piece) for piece in _pieces(item["text"], stream)]
    scrubbed = item | {"text": "".join(safe) + scrubber.finish()}
    if explain:
        scrubbed["found"] = [_row(finding) for finding in scrubber.findings()]
    return scrubbed


def _pieces(text: str, size: int) -> Iterator[str]:
    size = size or max(len(text), 1)
    for at in range(0, len(text), size):
        yield text[at : at + size]


def _row(finding: Finding) -> dict[str, str | int]:
    return {
        "type": finding.label,
        "rule": finding.rule,
        "start": finding.start,
        "end": finding.end,
    }


def _tell(findings: list[Finding]) -> None:
    for finding in findings:
        sys.stderr.write(f"{finding.start}-{finding.end}\t{finding.label}\t{finding.rule}\n")
