"""The audit trail: administrative acts, each row bound to the one before by a SHA-256 chain.

A row that was altered, left out, added or moved does not fit its neighbours, and the chain from
there on would have to be made anew. Whoever can write the store could do that, so note the head
(number and digest) somewhere else from time to time, and compare it at the next check. No secret is
ever in a row; of a token only its ``jti``.

    digest = SHA-256(JSON array of number, time, actor, action, target, outcome, request id,
                     detail, and the digest of the row before)
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, NamedTuple

from gateway.core.errors import AuditBroken

GENESIS: Final = "0" * 64
"""What the first row has in the place of the digest of the row before."""


class Outcome(StrEnum):
    """How an act ended. ``refused`` changed nothing."""

    DONE = "done"
    PROPOSED = "proposed"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One act, before it has a place in the trail.

    *actor* is ``client:<client_id>``, ``local`` (the command line on the gateway's machine) or
    ``system``. *detail* is a short text of ours: which grants, which code of refusal.
    """

    at: datetime
    actor: str
    action: str
    target: str
    outcome: Outcome
    request_id: str
    detail: str = ""


class AuditHead(NamedTuple):
    """The last row of a trail: its number, counted from 1, and its digest."""

    number: int
    digest: str


EMPTY_TRAIL: Final = AuditHead(0, GENESIS)


@dataclass(frozen=True, slots=True)
class AuditRow:
    """An act in its place."""

    number: int
    entry: AuditEntry
    digest: str

    @property
    def head(self) -> AuditHead:
        """The head of a trail that ends with this row."""
        return AuditHead(self.number, self.digest)


def append_row(head: AuditHead, entry: AuditEntry) -> AuditRow:
    """Return *entry* as the row after *head*."""
    number = head.number + 1
    return AuditRow(number, entry, _digest(number, entry, previous=head.digest))


class TrailVerifier:
    """Checks rows that are fed in the order of the trail.

    Without rows it stands at *head*: of the empty trail, or one that was verified before. *noted*
    is a head that was written down elsewhere: that very row must come.
    """

    def __init__(self, head: AuditHead = EMPTY_TRAIL, *, noted: AuditHead | None = None) -> None:
        self.head = head
        self._noted = noted

    def feed(self, row: AuditRow) -> None:
        """Accept the next row. Raises ``AuditBroken``, which names the first row that is wrong."""
        if row.number != self.head.number + 1:
            raise AuditBroken(f"Row {self.head.number + 1} is missing or out of its place.")
        if append_row(self.head, row.entry).digest != row.digest:
            raise AuditBroken(f"Row {row.number} was altered.")
        if self._noted is not None and row.number == self._noted.number:
            self._verify_is(row.head, self._noted)
        self.head = row.head

    def finish(self, expected: AuditHead | None = None) -> AuditHead:
        """Return the head; check that it is *expected*, if known. Raises ``AuditBroken``."""
        for known in (self._noted, expected):
            if known is not None and self.head.number < known.number:
                raise AuditBroken(f"Row {self.head.number + 1} is missing: the end was cut off.")
        if expected is not None:
            self._verify_is(self.head, expected)
        return self.head

    @staticmethod
    def _verify_is(head: AuditHead, known: AuditHead) -> None:
        if head != known:
            raise AuditBroken(f"Row {known.number} is not the one that was noted.")


def _digest(number: int, entry: AuditEntry, *, previous: str) -> str:
    members = [
        number,
        entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        entry.actor,
        entry.action,
        entry.target,
        entry.outcome.value,
        entry.request_id,
        entry.detail,
        previous,
    ]
    text = json.dumps(members, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()
