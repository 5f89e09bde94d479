"""A backup of the store as lines of JSON: a head, the rows, and an end that vouches for all of it.

The end has the number of rows and the SHA-256 of every byte before it, so a backup that was cut
short or damaged is refused. It has no key: who can write the file can make another, so it is kept
as the store is.

    {"format": "sealgate-backup/1", "schema": "0007", "made_at": …, "revision": …, …}
    ["clients", {…}]
    {"rows": 1, "sha256": "…"}
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from gateway.core.audit import AuditHead
from gateway.core.errors import MalformedRequest

FORMAT: Final = "sealgate-backup/1"
MAX_LINE_BYTES: Final = 16 * 1024 * 1024
"""Far above what a row can take, so that reading a file has a bound."""

_BROKEN: Final = "The file is not a whole backup: it was cut short, damaged or is something else."

Json = None | bool | int | str | list[Any] | dict[str, Any]


@dataclass(frozen=True, slots=True)
class BackupHead:
    """Of which moment a backup is. *schema* names the tables, the numbers are the store's."""

    schema: str
    made_at: datetime
    revision: int
    document_seq: int
    audit: AuditHead


class BackupRow(NamedTuple):
    """A row of a table, its values as JSON has them."""

    table: str
    values: Mapping[str, Json]


class BackupWriter:
    """Writes the lines of one backup: the head, rows, the end."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self._rows = 0

    def head(self, head: BackupHead) -> bytes:
        """Return the first line."""
        return self._line(
            {
                "format": FORMAT,
                "schema": head.schema,
                "made_at": head.made_at.isoformat(),
                "revision": head.revision,
                "document_seq": head.document_seq,
                "audit_number": head.audit.number,
                "audit_digest": head.audit.digest,
            }
        )

    def row(self, row: BackupRow) -> bytes:
        """Return the line of a row."""
        self._rows += 1
        return self._line([row.table, dict(row.values)])

    def finish(self) -> bytes:
        """Return the last line."""
        return self._line({"rows": self._rows, "sha256": self._digest.hexdigest()})

    def _line(self, value: object) -> bytes:
        line = json.dumps(value, ensure_ascii=True, separators=(",", ":")).encode("ascii") + b"\n"
        self._digest.update(line)
        return line


class BackupReader:
    """Reads the lines of one backup. What it gave counts once :meth:`finish` did not raise."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self._rows = 0
        self._is_over = False
        self.head: BackupHead | None = None
        """The head, once the first line was fed."""

    def feed(self, line: bytes) -> BackupRow | None:
        """Return the row of the next line, or None for the head and the end.

        Raises ``MalformedRequest`` for what :class:`BackupWriter` does not write.
        """
        try:
            return self._read(json.loads(line), is_whole=line.endswith(b"\n"))
        except (ValueError, TypeError, KeyError, RecursionError):
            raise MalformedRequest(_BROKEN) from None
        finally:
            self._digest.update(line)

    def finish(self) -> BackupHead:
        """Return the head of a backup that is whole. Raises ``MalformedRequest``."""
        if self.head is None or not self._is_over:
            raise MalformedRequest(_BROKEN)
        return self.head

    def _read(self, value: Any, *, is_whole: bool) -> BackupRow | None:
        if self._is_over or not is_whole:
            raise ValueError("a line too many, or half of one")
        if self.head is None:
            self.head = _parse_head(value)
        elif isinstance(value, dict):
            self._verify_end(value)
        else:
            return self._row(value)
        return None

    def _row(self, value: Any) -> BackupRow:
        table, values = value
        if not isinstance(table, str) or not isinstance(values, dict):
            raise TypeError
        self._rows += 1
        return BackupRow(table, values)

    def _verify_end(self, value: Mapping[str, Any]) -> None:
        if value != {"rows": self._rows, "sha256": self._digest.hexdigest()}:
            raise ValueError
        self._is_over = True


def _parse_head(value: Any) -> BackupHead:
    if value["format"] != FORMAT:
        raise ValueError
    numbers = [value[name] for name in ("revision", "document_seq", "audit_number")]
    texts = [value[name] for name in ("schema", "audit_digest")]
    if not all(type(n) is int and n >= 0 for n in numbers):
        raise TypeError
    if not all(isinstance(text, str) for text in texts):
        raise TypeError
    made_at = datetime.fromisoformat(value["made_at"])
    if made_at.tzinfo is None:
        raise ValueError
    audit = AuditHead(value["audit_number"], value["audit_digest"])
    return BackupHead(value["schema"], made_at, value["revision"], value["document_seq"], audit)
