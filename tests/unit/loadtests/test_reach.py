"""From calls and streams as they were seen to figures and verdicts."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from loadtests.reach import (
    Attempt,
    Ending,
    Reach,
    Revoked,
    Where,
    as_text,
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


def reach(where: Where = Where.OTHER_HOST, **values: float) -> Reach:
    """Return a reach without faults."""
    return replace(Reach("jti", where, 0.1, 0.3, 0.2, later_calls=10), **values)


def test_times_count_to_the_first_refusal() -> None:
    """The first refusal counts, from the answer of the revocation and from its request."""
    attempts = calls((9.9, 200), (10.2, 200), (10.3, 200), (10.49, 401), (10.6, 401))
    found = reach_of(REVOKED, Where.SAME_HOST, attempts=attempts, ending=GOOD_END)
    assert found.refused_after_answer == pytest.approx(0.25)
    assert found.refused_after_request == pytest.approx(0.5)
    assert found.cut_after_answer == pytest.approx(0.25)
    assert found.later_calls == 1
    assert found.faults == ()


def test_refusal_before_the_answer_takes_no_time() -> None:
    """The process that revokes may refuse before its answer has come: that is no negative time."""
    found = reach_of(REVOKED, Where.ITSELF, attempts=calls((10.1, 401)), ending=GOOD_END)
    assert found.refused_after_answer == 0.0
    assert found.refused_after_request == pytest.approx(0.11)


@pytest.mark.parametrize(
    ("where", "attempts", "fault"),
    [
        (Where.OTHER_HOST, calls((10.3, 200)), "never refused"),
        (Where.OTHER_HOST, calls((10.3, 401), (10.4, 200), (10.5, 401)),
         "accepted after a refusal"),
        (Where.OTHER_HOST, calls((9.5, 401), (10.3, 401)), "refused before it was revoked"),
        (Where.OTHER_HOST, calls((10.3, 503), (10.4, 401)), "status 503"),
        (Where.OTHER_HOST, calls((10.3, 0), (10.4, 401)), "status 0"),
        (Where.ITSELF, calls((10.3, 200), (10.4, 401)),
         "accepted by the process that had answered for the revocation"),
    ],
)  # fmt: skip
def test_what_must_not_be_seen_is_a_fault(
    where: Where, attempts: list[Attempt], fault: str
) -> None:
    """Whatever passes that should not, or fails for another reason, is named."""
    assert reach_of(REVOKED, where, attempts=attempts, ending=GOOD_END).faults == (fault,)


def test_call_under_way_at_the_refusal_may_still_pass() -> None:
    """A call sent before the first refusal had come says nothing of what counts after it."""
    attempts = [Attempt(10.30, 10.32, 401), Attempt(10.31, 10.40, 200)]
    assert reach_of(REVOKED, Where.SAME_HOST, attempts=attempts, ending=GOOD_END).faults == ()


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
    found = reach_of(REVOKED, Where.SAME_HOST, attempts=calls((10.3, 401)), ending=ending)
    assert found.faults == (fault,)


@pytest.mark.parametrize("slow", ["refused_after_answer", "cut_after_answer"])
def test_limit_is_of_the_99th(slow: str) -> None:
    """One slow refusal or cut in a hundred passes, two do not."""
    many = [reach() for _ in range(99)]
    assert judge([*many, reach(**{slow: 1.9})]) == []
    assert len(judge([*many, *[reach(**{slow: 1.9})] * 2])) == 1


def test_each_place_is_judged_by_itself() -> None:
    """What is soon on one host does not make up for what is late on the other."""
    near = [reach(where) for where in (Where.ITSELF, Where.SAME_HOST) for _ in range(100)]
    broken = judge([*near, reach(refused_after_answer=1.9)])
    assert broken == ["other host: p99 of refusal, from the answer is 1.90 s, more than 1 s"]


def test_no_stream_runs_on_for_long() -> None:
    """One cut that takes twice as long as promised is one too many, however many there are."""
    assert len(judge([*[reach() for _ in range(200)], reach(cut_after_answer=2.1)])) == 1


def test_fault_is_named_with_its_place() -> None:
    """A broken promise says of which revocation and where."""
    broken = Reach("kid", Where.SAME_HOST, faults=("never refused", "stream not cut"))
    assert judge([reach(), broken]) == [
        "kid, same host: never refused",
        "kid, same host: stream not cut",
    ]


def test_nothing_measured_is_no_success() -> None:
    """Without a single call after a refusal nobody knows whether one would have passed."""
    assert judge([]) == judge([reach(later_calls=0)]) == ["nothing was measured"]


def test_places_are_kept_apart() -> None:
    """Figures of the other host are not made better by what is nearer; kinds leave out itself."""
    places = {Where.ITSELF: 0.0, Where.SAME_HOST: 0.1, Where.OTHER_HOST: 0.2}
    reaches = [reach(where, refused_after_answer=time) for where, time in places.items()]
    found = {
        (figure.kind, figure.where): (figure.count, figure.p50, figure.p99, figure.maximum)
        for figure in figures_of(reaches)
        if figure.what == "refusal, from the answer"
    }
    assert found == {
        ("jti", "others"): (2, 0.1, 0.2, 0.2),
        **{("all", where): (1, time, time, time) for where, time in places.items()},
    }


def test_report_has_table_and_verdict(tmp_path: Path) -> None:
    """The report holds the same figures for readers and for programs, and what was broken."""
    reaches = [reach(Where.ITSELF), reach(cut_after_answer=2.5)]
    write_report(tmp_path, "named", reaches, plan={"hosts": 2})
    value = json.loads((tmp_path / "named.json").read_text())
    assert value["hosts"] == 2
    assert value["broken"] == judge(reaches)
    text = (tmp_path / "named.md").read_text()
    assert text.strip() == as_text(reaches)
    assert "2500" in text
    assert all(line in text for line in judge(reaches))


def test_good_report_says_how_many_calls_were_refused() -> None:
    """That nothing passed says little without the number of calls that might have."""
    assert "none of 20 calls after a refusal passed" in as_text([reach(), reach()])
