"""From calls and streams as they were seen to figures and verdicts."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from loadtests.reach import (
    Attempt,
    Ending,
    Reach,
    Revoked,
    as_table,
    figures_of,
    judge,
    reach_of,
    write_report,
)

REVOKED = Revoked("jti", asked_at=10.0, answered_at=10.25)
GOOD_END = Ending(10.5, has_error_event=True, is_complete=False)


def calls(*seen: tuple[float, int]) -> list[Attempt]:
    """Return calls of a hundredth of a second, from when they were sent and their status."""
    return [Attempt(at, at + 0.01, status) for at, status in seen]


def reach(process: int = 1, **values: float | None) -> Reach:
    """Return a reach without faults."""
    times = {"refused_after_answer": 0.1, "refused_after_request": 0.3, "cut_after_answer": 0.2}
    return Reach("jti", process, **{**times, **values}, faults=())


def test_times_count_to_the_first_refusal() -> None:
    """The first refusal counts, from the answer of the revocation and from its request."""
    attempts = calls((9.9, 200), (10.2, 200), (10.3, 200), (10.49, 401), (10.6, 401))
    found = reach_of(REVOKED, 1, attempts=attempts, ending=GOOD_END)
    assert found.refused_after_answer == pytest.approx(0.25)
    assert found.refused_after_request == pytest.approx(0.5)
    assert found.cut_after_answer == pytest.approx(0.25)
    assert found.faults == ()


def test_refusal_before_the_answer_takes_no_time() -> None:
    """The process that revokes may refuse before its answer has come: that is no negative time."""
    found = reach_of(REVOKED, 0, attempts=calls((10.1, 401)), ending=GOOD_END)
    assert found.refused_after_answer == 0.0
    assert found.refused_after_request == pytest.approx(0.11)


@pytest.mark.parametrize(
    ("process", "attempts", "fault"),
    [
        (1, calls((10.3, 200)), "never refused"),
        (1, calls((10.3, 401), (10.4, 200), (10.5, 401)), "accepted after a refusal"),
        (1, calls((9.5, 401), (10.3, 401)), "refused before it was revoked"),
        (1, calls((10.3, 503), (10.4, 401)), "status 503"),
        (1, calls((10.3, 0), (10.4, 401)), "status 0"),
        (0, calls((10.3, 200), (10.4, 401)),
         "accepted by the process that had answered for the revocation"),
    ],
)  # fmt: skip
def test_what_must_not_be_seen_is_a_fault(
    process: int, attempts: list[Attempt], fault: str
) -> None:
    """Whatever passes that should not, or fails for another reason, is named."""
    assert reach_of(REVOKED, process, attempts=attempts, ending=GOOD_END).faults == (fault,)


def test_call_under_way_at_the_refusal_may_still_pass() -> None:
    """A call sent before the first refusal had come says nothing of what counts after it."""
    attempts = [Attempt(10.30, 10.32, 401), Attempt(10.31, 10.40, 200)]
    assert reach_of(REVOKED, 1, attempts=attempts, ending=GOOD_END).faults == ()


@pytest.mark.parametrize(
    ("ending", "fault"),
    [
        (None, "stream not cut"),
        (Ending(10.5, has_error_event=True, is_complete=True), "stream ended as if complete"),
        (Ending(10.5, has_error_event=False, is_complete=False),
         "stream cut without an error event"),
        (Ending(9.5, has_error_event=True, is_complete=False),
         "stream cut before it was revoked"),
    ],
)  # fmt: skip
def test_stream_ends_by_the_revocation_and_as_cut(ending: Ending | None, fault: str) -> None:
    """A stream that goes on, ends for another reason or seems complete is a fault."""
    found = reach_of(REVOKED, 1, attempts=calls((10.3, 401)), ending=ending)
    assert found.faults == (fault,)


def test_limits_are_of_the_99th_and_of_the_last() -> None:
    """One slow refusal in a hundred passes, two do not; one slow cut is one too many."""
    many = [reach() for _ in range(99)]
    assert judge([*many, reach(refused_after_answer=3.0)]) == []
    assert len(judge([*many, *[reach(refused_after_answer=3.0)] * 2])) == 1
    assert len(judge([*many, reach(cut_after_answer=2.1)])) == 1


def test_fault_is_named_with_its_place() -> None:
    """A broken promise says of which revocation and which process."""
    broken = Reach("kid", 3, None, None, None, ("never refused", "stream not cut"))
    assert judge([reach(), broken]) == [
        "kid, process 3: never refused",
        "kid, process 3: stream not cut",
    ]


def test_process_that_revoked_is_kept_apart() -> None:
    """The figures of the others are not made better by the process that knows at once."""
    reaches = [reach(0, refused_after_answer=0.0), reach(1), reach(2)]
    found = {(f.kind, f.where, f.what): f for f in figures_of(reaches)}
    assert found["all", "itself", "refusal, from the answer"].maximum == 0.0
    others = found["all", "others", "refusal, from the answer"]
    assert (others.count, others.p50, others.p99, others.maximum) == (2, 0.1, 0.1, 0.1)


def test_report_has_table_and_verdict(tmp_path: Path) -> None:
    """The report holds the same figures for readers and for programs, and what was broken."""
    reaches = [reach(0), reach(1, cut_after_answer=2.5)]
    write_report(tmp_path, reaches, processes=2, at=datetime(2026, 11, 23, tzinfo=UTC))
    value = json.loads((tmp_path / "revocation.json").read_text())
    assert (value["processes"], value["revocations"]) == (2, 1)
    assert value["broken"] == judge(reaches)
    text = (tmp_path / "revocation.md").read_text()
    assert as_table(figures_of(reaches)) in text
    assert "2500" in text
