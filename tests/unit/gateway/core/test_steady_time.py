"""The time that deleting goes by."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.steady_time import SETTLE_SECONDS, SMALL_LEAD, SteadyTime

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
WEEKS = timedelta(days=30)


def test_a_clock_that_runs_is_followed() -> None:
    """Where both clocks agree, now is now, also over a restart of some minutes."""
    time = SteadyTime(NOW - HOUR)
    assert time.feed(NOW, monotonic=5.0) == NOW
    assert time.feed(NOW + HOUR, monotonic=3605.0) == NOW + HOUR
    assert SteadyTime(None).feed(NOW, monotonic=0.0) == NOW


def test_a_jump_ahead_is_believed_when_it_lasts() -> None:
    """A leap of weeks deletes nothing at the first look; an hour later it counts."""
    time = SteadyTime(None)
    time.feed(NOW, monotonic=0.0)
    assert time.feed(NOW + WEEKS, monotonic=3600.0) == NOW + HOUR
    assert time.feed(NOW + WEEKS + HOUR, monotonic=7200.0) == NOW + WEEKS + HOUR


def test_a_jump_that_was_put_right_leaves_nothing() -> None:
    """Was the clock wrong for less than that, no harm was done, and a new jump begins anew."""
    time = SteadyTime(None)
    time.feed(NOW, monotonic=0.0)
    time.feed(NOW + WEEKS, monotonic=3600.0)
    assert time.feed(NOW + 2 * HOUR, monotonic=7200.0) == NOW + 2 * HOUR
    assert time.feed(NOW + WEEKS, monotonic=10_800.0) == NOW + 3 * HOUR


def test_a_start_after_a_long_rest_waits_once() -> None:
    """A gateway that was off for days catches up an hour after its start, not at once."""
    time = SteadyTime(NOW - WEEKS)
    assert time.feed(NOW, monotonic=0.0) == NOW - WEEKS
    assert time.feed(NOW + HOUR, monotonic=3600.0) == NOW + HOUR


def test_a_clock_that_is_set_back_keeps_nothing_longer() -> None:
    """Time goes on with the monotonic clock, whatever the other one says."""
    time = SteadyTime(None)
    time.feed(NOW, monotonic=0.0)
    assert time.feed(NOW - WEEKS, monotonic=3600.0) == NOW + HOUR
    assert SteadyTime(NOW).feed(NOW - WEEKS, monotonic=0.0) == NOW


LOOKS = st.lists(st.tuples(st.integers(-(10**7), 10**7), st.integers(0, 10_000)), max_size=20)


@given(LOOKS)
def test_it_never_goes_back_and_never_far_ahead_at_once(looks: list[tuple[int, int]]) -> None:
    """Whatever the clock does: no step back, none slower than time, no leap without waiting."""
    time, monotonic, before, lead_since = SteadyTime(NOW), 0.0, NOW, None
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
        after = time.feed(wall, monotonic=monotonic)
        assert after >= least
        if after - least > SMALL_LEAD:
            assert lead_since is not None
            assert monotonic - lead_since >= SETTLE_SECONDS
            assert after == wall
            lead_since = None
        before = after
