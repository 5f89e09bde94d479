"""How soon a revocation reached each process: from calls and streams as seen to figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import orjson

from loadtests.stats import percentile

P99_SECONDS = 1.0
"""What the refusal of new calls, and the end of a running answer, may take: 99 of a hundred."""
CUT_SECONDS = 2.0
"""What the end of a running answer may take, always."""

_OK, _UNAUTHORIZED = 200, 401


class Where(StrEnum):
    """Where a process is, as seen from the one that was asked to revoke."""

    ITSELF = "itself"
    SAME_HOST = "same host"
    OTHER_HOST = "other host"


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
    where: Where
    refused_after_answer: float | None = None
    refused_after_request: float | None = None
    cut_after_answer: float | None = None
    later_calls: int = 0
    """Those sent after the first refusal had come: none of them may pass."""
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Revoked:
    """A revocation, and when it was asked for and answered."""

    kind: str
    asked_at: float
    answered_at: float


def reach_of(
    revoked: Revoked, where: Where, *, attempts: Sequence[Attempt], ending: Ending | None
) -> Reach:
    """Return what *revoked* did, from all calls and the stream in one process."""
    faults = []
    refusals = [a for a in attempts if a.status == _UNAUTHORIZED and a.sent_at > revoked.asked_at]
    first = min((refusal.answered_at for refusal in refusals), default=None)
    later = [a for a in attempts if first is not None and a.sent_at > first]
    if first is None:
        faults.append("never refused")
    if any(a.status == _OK for a in later):
        faults.append("accepted after a refusal")
    answered = [a for a in attempts if a.sent_at > revoked.answered_at]
    if where is Where.ITSELF and any(a.status == _OK for a in answered):
        faults.append("accepted by the process that had answered for the revocation")
    if any(a.status == _UNAUTHORIZED and a.sent_at < revoked.asked_at for a in attempts):
        faults.append("refused before it was revoked")
    faults += sorted({f"status {a.status}" for a in attempts} - {"status 200", "status 401"})
    return Reach(
        kind=revoked.kind,
        where=where,
        refused_after_answer=_after(revoked.answered_at, first),
        refused_after_request=_after(revoked.asked_at, first),
        cut_after_answer=_after(revoked.answered_at, None if ending is None else ending.at),
        later_calls=len(later),
        faults=(*faults, *_faults_of(ending, revoked)),
    )


def _after(earlier: float, later: float | None) -> float | None:
    """Return the seconds between; what happened before the answer had come took no time."""
    return None if later is None else max(0.0, later - earlier)


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
_LIMITED = ("refusal, from the answer", "cut, from the answer")


def figures_of(reaches: Sequence[Reach]) -> list[Figure]:
    """Return the figures per kind over the other processes, then over all kinds, by place."""
    kinds = dict.fromkeys(reach.kind for reach in reaches)
    others = [reach for reach in reaches if reach.where is not Where.ITSELF]
    groups = [(kind, "others", [r for r in others if r.kind == kind]) for kind in kinds]
    groups += [("all", where, [r for r in reaches if r.where is where]) for where in Where]
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
        f"{reach.kind}, {reach.where}: {fault}" for reach in reaches for fault in reach.faults
    ]
    if not any(reach.later_calls for reach in reaches):
        broken.append("nothing was measured")
    broken += [
        f"{figure.where}: p99 of {figure.what} is {figure.p99:.2f} s, more than {P99_SECONDS:g} s"
        for figure in figures_of(reaches)
        if figure.kind == "all" and figure.what in _LIMITED and figure.p99 > P99_SECONDS
    ]
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


def as_text(reaches: Sequence[Reach]) -> str:
    """Return the table, what did not pass, and every promise that was not kept."""
    later = sum(reach.later_calls for reach in reaches)
    broken = judge(reaches)
    verdict = [f"- {line}" for line in broken] or [
        f"- none of {later} calls after a refusal passed"
    ]
    return "\n".join([as_table(figures_of(reaches)), "", *verdict])


def write_report(
    directory: Path, name: str, reaches: Sequence[Reach], *, plan: Mapping[str, object]
) -> None:
    """Write *name* as ``.json`` and ``.md`` to *directory*; *plan* says what was run, and when."""
    directory.mkdir(parents=True, exist_ok=True)
    value = {
        **plan,
        "limits": {"p99_seconds": P99_SECONDS, "cut_seconds": CUT_SECONDS},
        "figures": figures_of(reaches),
        "broken": judge(reaches),
    }
    (directory / f"{name}.json").write_bytes(orjson.dumps(value, option=orjson.OPT_INDENT_2))
    (directory / f"{name}.md").write_text(as_text(reaches) + "\n")
