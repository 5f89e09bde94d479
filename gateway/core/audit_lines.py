"""The audit trail outside of the store: rows as JSON Lines, a head as one word to write down.

A line has exactly one form, so a file of them can be verified without the store.
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any, Final

from gateway.core.audit import AuditEntry, AuditHead, AuditRow, Outcome
from gateway.core.errors import AuditBroken, MalformedRequest

MAX_LINE_BYTES: Final = 65_536
"""Far above what a row of ours can take, so that reading a file has a bound."""

_TEXTS: Final = ("actor", "action", "target", "request_id", "detail")
_HEAD: Final = re.compile(r"([1-9][0-9]{0,17}):([0-9a-f]{64})", re.ASCII)


def encode_line(row: AuditRow) -> bytes:
    """Return *row* as one JSON object and a line feed, in ASCII."""
    entry = row.entry
    members = {
        "number": row.number,
        "at": entry.at.isoformat(timespec="microseconds"),
        "outcome": entry.outcome.value,
        **{name: getattr(entry, name) for name in _TEXTS},
        "digest": row.digest,
    }
    return json.dumps(members, ensure_ascii=True, separators=(",", ":")).encode("ascii") + b"\n"


def parse_line(line: bytes) -> AuditRow:
    """Return the row of *line*. Raises ``AuditBroken`` for all that :func:`encode_line` never says.

    Another order of the members, a member that stands twice or a blank counts as altered.
    """
    try:
        row = _row(json.loads(line))
    except (ValueError, TypeError, KeyError, RecursionError):
        raise AuditBroken("A line is not a row of an audit trail.") from None
    if encode_line(row) != line:
        raise AuditBroken(f"Row {row.number} was altered.")
    return row


def encode_head(head: AuditHead) -> str:
    """Return ``NUMBER:DIGEST``."""
    return f"{head.number}:{head.digest}"


def parse_head(text: str) -> AuditHead:
    """Return the head that *text* names. Raises ``MalformedRequest``."""
    match = _HEAD.fullmatch(text)
    if match is None:
        raise MalformedRequest("A head of the audit trail looks like NUMBER:DIGEST.")
    return AuditHead(int(match[1]), match[2])


def _row(members: Any) -> AuditRow:
    number, digest = members["number"], members["digest"]
    texts = {name: members[name] for name in _TEXTS}
    if type(number) is not int or not all(isinstance(t, str) for t in (digest, *texts.values())):
        raise TypeError
    at = datetime.fromisoformat(members["at"])
    if at.tzinfo is None:
        raise ValueError
    return AuditRow(number, AuditEntry(at=at, outcome=Outcome(members["outcome"]), **texts), digest)
