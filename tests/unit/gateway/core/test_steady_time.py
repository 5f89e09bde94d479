"""The time that deleting goes by."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.steady_time import SETTLE_SECONDS, SMALL_LEAD, SteadyTime, TimeMark

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
WEEKS = timedelta(days=30)


def test_a_clock_that_runs_is_followed() -> None:
    """Where both clocks agree, now is now, also over a restart of some minutes."""
    time = SteadyTime(TimeMark(NOW - HOUR))
    assert time.feed(NOW, monotonic=5.0).reached == NOW
    assert time.feed(NOW + HOUR, monotonic=3605.0).reached == NOW + HOUR
    assert SteadyTime(None).feed(NOW, monotonic=0.0).reached == NOW


def test_a_jump_ahead_is_believed_when_it_lasts() -> None:
    """A leap of weeks deletes nothing at the first look; an hour later it counts."""
    time = SteadyTime(None)
    time.feed(NOW, monotonic=0.0)
    assert time.feed(NOW + WEEKS, monotonic=3600.0).reached == NOW + HOUR
    assert time.feed(NOW + WEEKS + HOUR, monotonic=7200.0).reached == NOW + WEEKS + HOUR


def test_a_jump_that_was_put_right_leaves_nothing() -> None:
    """Was the clock wrong for less than that, no harm was done, and a new jump begins anew."""
    time = SteadyTime(None)
    time.feed(NOW, monotonic=0.0)
    time.feed(NOW + WEEKS, monotonic=3600.0)
    assert time.feed(NOW + 2 * HOUR, monotonic=7200.0).reached == NOW + 2 * HOUR
    assert time.feed(NOW + WEEKS, monotonic=10_800.0).reached == NOW + 3 * HOUR


def test_a_start_after_a_long_rest_waits_once() -> None:
    """A gateway that was off for days catches up an hour after its start, not at once."""
    time = SteadyTime(TimeMark(NOW - WEEKS))
    assert time.feed(NOW, monotonic=0.0).reached == NOW - WEEKS
    assert time.feed(NOW + HOUR, monotonic=3600.0).reached == NOW + HOUR


def test_processes_that_never_last_catch_up_together() -> None:
    """A gateway that runs for minutes a day believes the clock when its second process looks.

    One that was put right meanwhile, or went back, begins anew; the exact seconds count.
    """
    settle = timedelta(seconds=SETTLE_SECONDS)
    mark = SteadyTime(TimeMark(NOW - WEEKS)).feed(NOW, monotonic=50.0)
    assert mark == TimeMark(NOW - WEEKS, ahead_since=NOW)
    assert SteadyTime(mark).feed(NOW + settle, monotonic=7.0) == TimeMark(NOW + settle)
    late = NOW + settle - timedelta(seconds=1)
    third = SteadyTime(mark)
    assert third.feed(late, monotonic=7.0) == mark
    assert third.feed(late, monotonic=8.0) == TimeMark(late)
    right = NOW - WEEKS + HOUR
    assert SteadyTime(mark).feed(right, monotonic=7.0) == TimeMark(right)
    back = SteadyTime(mark)
    assert back.feed(NOW - 5 * HOUR, monotonic=0.0).reached == NOW - WEEKS
    assert back.feed(NOW, monotonic=SETTLE_SECONDS - 1).reached < NOW - WEEKS + HOUR


def test_a_lead_of_exactly_that_is_small() -> None:
    """Two hours are believed at once, and not a second more."""
    for more, reached in ((0, NOW + SMALL_LEAD), (1, NOW)):
        wall = NOW + SMALL_LEAD + timedelta(seconds=more)
        assert SteadyTime(TimeMark(NOW)).feed(wall, monotonic=0.0).reached == reached


def test_a_clock_that_is_set_back_keeps_nothing_longer() -> None:
    """Time goes on with the monotonic clock, whatever the other one says."""
    time = SteadyTime(None)
    time.feed(NOW, monotonic=0.0)
    assert time.feed(NOW - WEEKS, monotonic=3600.0).reached == NOW + HOUR
    assert SteadyTime(TimeMark(NOW)).feed(NOW - WEEKS, monotonic=0.0).reached == NOW


LOOKS = st.lists(st.tuples(st.integers(-(10**7), 10**7), st.integers(0, 10_000)), max_size=20)


@given(LOOKS)
def test_it_never_goes_back_and_never_far_ahead_at_once(looks: list[tuple[int, int]]) -> None:
    """Whatever the clock does: no step back, none slower than time, no leap without waiting."""
    time, monotonic, before, lead_since = SteadyTime(TimeMark(NOW)), 0.0, NOW, None
    time.feed(NOW, monotonic=0.0)
    for offset, seconds in looks:
        monotonic += seconds
        wall = NOW + timedelta(seconds=monotonic + offset)
        least = before + timedelta(seconds=seconds)
        lead_since = (
            (lead_since if lead_since is not None else monotonic)
            if (wall - least > SMALL_LEAD)
            else None
        )
        after = time.feed(wall, monotonic=monotonic).reached
        assert after >= least
        if after - least > SMALL_LEAD:
            assert lead_since is not None
            assert monotonic - lead_since >= SETTLE_SECONDS
            assert after == wall
            lead_since = None
        before = after
