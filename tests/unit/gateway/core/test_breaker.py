"""The circuit breaker."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.breaker import PROBE_SECONDS, Breaker, BreakerRules

RULES = BreakerRules(failures=3, eject_seconds=1, max_eject_seconds=4)


def opened() -> Breaker:
    """Return a breaker that opened at 0."""
    breaker = Breaker(RULES)
    for _ in range(3):
        breaker.failed(0, was_trial=False)
    return breaker


def test_failures_in_a_row_open_it() -> None:
    """Two failures and a whole answer between are nothing, three in a row are."""
    breaker = Breaker(RULES)
    for _ in range(5):
        breaker.failed(0, was_trial=False)
        breaker.failed(0, was_trial=False)
        breaker.completed()
    assert breaker.allows(0)
    assert breaker.ejections == 0
    assert not opened().allows(0.9)


def test_one_call_at_a_time_tries_it() -> None:
    """When its time is over one call passes, and for a while no other."""
    breaker = opened()
    assert breaker.allows(1)
    assert breaker.begin(1)
    assert not breaker.allows(1 + PROBE_SECONDS / 2)
    assert breaker.allows(1 + PROBE_SECONDS)


def test_a_good_trial_closes_it_on_probation() -> None:
    """After a trial that was answered all may call; a failure before the next whole answer ejects.

    And for longer than before.
    """
    breaker = opened()
    breaker.begin(1)
    breaker.answered()
    assert not breaker.is_open
    assert not breaker.begin(1)
    breaker.failed(2, was_trial=False)
    assert not breaker.allows(3.9)
    assert breaker.allows(4)


def test_each_failed_trial_doubles_the_wait_up_to_the_longest() -> None:
    """1, 2, 4 seconds and then always 4."""
    breaker, now = opened(), 0.0
    for seconds in (1, 2, 4, 4, 4):
        assert not breaker.allows(now + seconds - 0.01)
        now += seconds
        assert breaker.begin(now)
        breaker.failed(now, was_trial=True)


def test_a_crash_counts_once() -> None:
    """Hundreds of calls that end with one crash do not make it wait longer."""
    breaker = opened()
    for _ in range(500):
        breaker.failed(0.5, was_trial=False)
    assert breaker.ejections == 1
    assert breaker.allows(1)


def test_trials_that_hang_count_once_when_they_end() -> None:
    """A killed backend ends all of them; the wait grows by one step, not by one for each."""
    breaker = opened()
    for trial in range(5):
        assert breaker.begin(1 + trial * PROBE_SECONDS)
    for _ in range(5):
        breaker.failed(30, was_trial=True)
    assert breaker.ejections == 2
    assert breaker.allows(32)


def test_a_trial_that_ends_late_ejects_nobody() -> None:
    """Once a later trial was answered it is a call like any other."""
    breaker = opened()
    assert breaker.begin(1)
    assert breaker.begin(1 + PROBE_SECONDS)
    breaker.answered()
    breaker.completed()
    breaker.failed(100, was_trial=True)
    assert not breaker.is_open


def test_a_backend_that_came_back_is_tried_at_once() -> None:
    """A health check that finds it again ends the wait, with a trial and not with everybody."""
    breaker = opened()
    breaker.recovered(0.1)
    assert breaker.allows(0.1)
    assert breaker.begin(0.1)
    assert not breaker.allows(0.2)


@given(st.lists(st.sampled_from(["begin", "answered", "completed", "failed", "recovered", "wait"])))
def test_it_never_stays_open_for_longer_than_it_may(events: list[str]) -> None:
    """Whatever happens, a call is allowed again after the longest wait."""
    breaker, now, trial = Breaker(RULES), 0.0, False
    for event in events:
        if event == "begin" and breaker.allows(now):
            trial = breaker.begin(now)
        elif event == "answered" and trial:
            breaker.answered()
            trial = False
        elif event == "completed":
            breaker.completed()
        elif event == "failed":
            breaker.failed(now, was_trial=trial)
            trial = False
        elif event == "recovered":
            breaker.recovered(now)
        elif event == "wait":
            now += 0.7
        assert breaker.allows(now + max(PROBE_SECONDS, RULES.max_eject_seconds))
