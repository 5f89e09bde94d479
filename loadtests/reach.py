"""How soon a revocation reached each process: from calls and streams as seen to figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import orjson

from loadtests.stats import percentile

REFUSAL_P99_SECONDS = 1.0
"""What the refusal of new calls may take, in all but one of a hundred cases."""
CUT_SECONDS = 2.0
"""What the end of a running answer may take, always."""

_OK, _UNAUTHORIZED = 200, 401


@dataclass(frozen=True, slots=True)
class Attempt:
    """One call with the token that is to be revoked. Times are of one monotonic clock."""

    sent_at: float
    answered_at: float
    status: int
    """The HTTP status; 0 when there was no answer."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a stream ended."""

    at: float
    """When the last piece of it came."""
    has_error_event: bool
    is_complete: bool
    """Whether it ended as one that was not cut does."""


@dataclass(frozen=True, slots=True)
class Reach:
    """What one revocation did in one process. Seconds count to the arrival of an answer."""

    kind: str
    process: int
    """0 is the one that was asked to revoke."""
    refused_after_answer: float | None
    refused_after_request: float | None
    cut_after_answer: float | None
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Revoked:
    """A revocation, and when it was asked for and answered."""

    kind: str
    asked_at: float
    answered_at: float


def reach_of(
    revoked: Revoked, process: int, *, attempts: Sequence[Attempt], ending: Ending | None
) -> Reach:
    """Return what *revoked* did, from all calls and the stream in *process*."""
    faults = []
    refusals = [a for a in attempts if a.status == _UNAUTHORIZED and a.sent_at > revoked.asked_at]
    first = min(refusals, key=lambda attempt: attempt.answered_at, default=None)
    if first is None:
        faults.append("never refused")
    elif any(a.status == _OK and a.sent_at > first.answered_at for a in attempts):
        faults.append("accepted after a refusal")
    if process == 0 and any(a.status == _OK and a.sent_at > revoked.answered_at for a in attempts):
        faults.append("accepted by the process that had answered for the revocation")
    if any(a.status == _UNAUTHORIZED and a.sent_at < revoked.asked_at for a in attempts):
        faults.append("refused before it was revoked")
    faults += sorted({f"status {a.status}" for a in attempts} - {"status 200", "status 401"})
    return Reach(
        kind=revoked.kind,
        process=process,
        refused_after_answer=None
        if first is None
        else _after(revoked.answered_at, first.answered_at),
        refused_after_request=None
        if first is None
        else _after(revoked.asked_at, first.answered_at),
        cut_after_answer=None if ending is None else _after(revoked.answered_at, ending.at),
        faults=(*faults, *_faults_of(ending, revoked)),
    )


def _after(earlier: float, later: float) -> float:
    """Return the seconds between; what happened before the answer had come took no time."""
    return max(0.0, later - earlier)


def _faults_of(ending: Ending | None, revoked: Revoked) -> list[str]:
    if ending is None:
        return ["stream not cut"]
    faults = []
    if ending.is_complete:
        faults.append("stream ended as if complete")
    if not ending.has_error_event:
        faults.append("stream cut without an error event")
    if ending.at < revoked.asked_at:
        faults.append("stream cut before it was revoked")
    return faults


@dataclass(frozen=True, slots=True)
class Figure:
    """p50, p99 and the maximum of one measurement, in seconds."""

    kind: str
    where: str
    what: str
    count: int
    p50: float
    p99: float
    maximum: float


_WHAT = (
    ("refusal, from the answer", "refused_after_answer"),
    ("refusal, from the request", "refused_after_request"),
    ("cut, from the answer", "cut_after_answer"),
)


def figures_of(reaches: Sequence[Reach]) -> list[Figure]:
    """Return the figures per kind over the other processes, then over all kinds, by process."""
    kinds = dict.fromkeys(reach.kind for reach in reaches)
    others = [reach for reach in reaches if reach.process]
    groups = [(kind, "others", [r for r in others if r.kind == kind]) for kind in kinds]
    groups.append(("all", "itself", [r for r in reaches if not r.process]))
    groups.append(("all", "others", others))
    return [
        _figure(kind, where, what, values=_values(group, name))
        for kind, where, group in groups
        for what, name in _WHAT
        if _values(group, name)
    ]


def _values(reaches: Sequence[Reach], name: str) -> list[float]:
    return [value for reach in reaches if (value := getattr(reach, name)) is not None]


def _figure(kind: str, where: str, what: str, *, values: Sequence[float]) -> Figure:
    half, most = percentile(values, 0.5), percentile(values, 0.99)
    return Figure(kind, where, what, len(values), half, most, max(values))


def judge(reaches: Sequence[Reach]) -> list[str]:
    """Return every promise that was not kept; none is the good case."""
    broken = [
        f"{reach.kind}, process {reach.process}: {fault}"
        for reach in reaches
        for fault in reach.faults
    ]
    refusal = percentile(_values(reaches, "refused_after_answer"), 0.99)
    if refusal > REFUSAL_P99_SECONDS:
        broken.append(f"p99 of refusals is {refusal:.2f} s, more than {REFUSAL_P99_SECONDS:g} s")
    cut = max(_values(reaches, "cut_after_answer"), default=0.0)
    if cut > CUT_SECONDS:
        broken.append(f"a stream was cut after {cut:.2f} s, more than {CUT_SECONDS:g} s")
    return broken


def as_table(figures: Sequence[Figure]) -> str:
    """Return the figures in milliseconds as a Markdown table that reads well as plain text too."""
    rows = [("revoked", "in process", "what", "count", "p50 ms", "p99 ms", "max ms")]
    for one in figures:
        times = (f"{value * 1e3:.0f}" for value in (one.p50, one.p99, one.maximum))
        rows.append((one.kind, one.where, one.what, str(one.count), *times))  # type: ignore[arg-type]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        f"| {' | '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))} |"
        for row in rows
    ]
    return "\n".join([lines[0], f"|{'|'.join('-' * (width + 2) for width in widths)}|", *lines[1:]])


def write_report(
    directory: Path, reaches: Sequence[Reach], *, processes: int, at: datetime
) -> None:
    """Write ``revocation.json`` and ``revocation.md`` to *directory*."""
    directory.mkdir(parents=True, exist_ok=True)
    figures, broken = figures_of(reaches), judge(reaches)
    value = {
        "at": at,
        "processes": processes,
        "revocations": sum(reach.process == 0 for reach in reaches),
        "limits": {"refusal_p99_seconds": REFUSAL_P99_SECONDS, "cut_seconds": CUT_SECONDS},
        "figures": figures,
        "broken": broken,
    }
    (directory / "revocation.json").write_bytes(orjson.dumps(value, option=orjson.OPT_INDENT_2))
    lines = [as_table(figures), "", *(f"- {line}" for line in broken)]
    (directory / "revocation.md").write_text("\n".join(lines).rstrip() + "\n")
