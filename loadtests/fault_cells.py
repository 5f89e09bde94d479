"""What was measured through one fault, and whether it kept the promises of the matrix."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from loadtests.stats import percentile

LONGEST_SECONDS: Final = 2.0
"""Nobody waits for longer: a second is promised, the rest is TLS and a machine with other work."""

TRUST_SECONDS: Final = 5.0
"""How long known tokens go on without the store (ADR 0004)."""

UNAVAILABLE: Final = 503
_SLACK_SECONDS: Final = 1.5
_HEADINGS: Final = ("fault", "call", "calls", "refused", "p50 ms", "p99 ms", "max ms")


@dataclass(frozen=True, slots=True)
class Call:
    """One call: what kind, when it began (seconds after the fault did), its status, how long."""

    kind: str
    began: float
    status: int
    seconds: float

    @property
    def ended(self) -> float:
        """When it was answered, counted as *began* is."""
        return self.began + self.seconds


@dataclass(frozen=True, slots=True)
class Promise:
    """What a fault may do: which kinds of call are refused, at once or when trust is over.

    All others go on. What is refused may still pass in the first moment, until it is noticed.
    """

    refused: frozenset[str]
    refused_later: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Cell:
    """A fault that lasted for *seconds*, and all calls before, during and after it."""

    name: str
    promise: Promise
    seconds: float
    calls: tuple[Call, ...]
    recovered_after: float | None
    """Seconds until every kind of call was answered again; None: it was not."""

    def during(self, kind: str) -> list[Call]:
        """Return the calls of a kind that the fault saw from their beginning to their end."""
        return [c for c in self.calls if c.kind == kind and c.began >= 0 and c.ended < self.seconds]

    def kinds(self) -> list[str]:
        """Return the kinds of calls, in order."""
        return sorted({call.kind for call in self.calls})


def judge(cell: Cell) -> list[str]:
    """Return every promise that *cell* breaks, in words."""
    broken = []
    if cell.recovered_after is None:
        broken.append("did not recover")
    for call in cell.calls:
        if call.status not in {200, 201, UNAVAILABLE}:
            broken.append(f"{call.kind}: {call.status} at {call.began:.1f} s")
        elif call.ended < 0 and call.status == UNAVAILABLE:
            broken.append(f"{call.kind}: refused before the fault")
        if call.seconds > LONGEST_SECONDS:
            broken.append(f"{call.kind}: waited {call.seconds:.1f} s")
    for kind in cell.kinds():
        broken += _judge_kind(cell, kind)
    return broken


def _judge_kind(cell: Cell, kind: str) -> list[str]:
    calls = cell.during(kind)
    if not calls:
        return [f"{kind}: no call during the fault"]
    refused = [call for call in calls if call.status == UNAVAILABLE]
    promise = cell.promise
    if kind in promise.refused:
        passed = [c for c in calls if c.status != UNAVAILABLE and c.began > _SLACK_SECONDS]
        return [f"{kind}: {len(passed)} passed"] if passed or not refused else []
    if kind in promise.refused_later:
        early = [c for c in refused if c.ended < TRUST_SECONDS - _SLACK_SECONDS]
        late = [
            c for c in calls if c.status != UNAVAILABLE and c.began > TRUST_SECONDS + _SLACK_SECONDS
        ]
        return [f"{kind}: {len(early)} refused too early, {len(late)} passed too late"] * bool(
            early or late
        )
    return [f"{kind}: {len(refused)} refused"] if refused else []


def as_table(cells: Sequence[Cell]) -> str:
    """Return the figures of the calls during each fault, as Markdown."""
    rows = [_HEADINGS, ("---",) * len(_HEADINGS)]
    for cell in cells:
        for kind in cell.kinds():
            calls = cell.during(kind)
            times = [call.seconds * 1000 for call in calls]
            refused = sum(call.status == UNAVAILABLE for call in calls)
            figures = [f"{percentile(times, share):.1f}" for share in (0.5, 0.99, 1.0)]
            rows.append((cell.name, kind, str(len(calls)), str(refused), *figures))
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)
