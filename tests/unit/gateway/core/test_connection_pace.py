"""How long a connection may take."""

from __future__ import annotations

import pytest

from gateway.core.connection_pace import ConnectionPace, Overdue, PaceLimits

LIMITS = PaceLimits(
    head_seconds=5, idle_seconds=30, body_bytes_per_second=500, body_window_seconds=10,
    write_seconds=60,
)  # fmt: skip


@pytest.fixture
def pace() -> ConnectionPace:
    """A connection that was made at 100."""
    return ConnectionPace(LIMITS, 100.0)


def test_first_head_counts_from_the_connection(pace):
    """Who says nothing at first has as long as a head may take."""
    assert pace.find_overdue(104.9, unsent_bytes=0) is None
    assert pace.find_overdue(105.0, unsent_bytes=0) is Overdue.HEAD


def test_idle_connection_is_overdue_later(pace):
    """Between two requests there is more time, and a head that begins has its own."""
    pace.await_request(200.0)
    assert pace.find_overdue(229.0, unsent_bytes=0) is None
    assert pace.find_overdue(230.0, unsent_bytes=0) is Overdue.IDLE
    pace.await_head(230.0)
    assert pace.find_overdue(234.0, unsent_bytes=0) is None
    assert pace.find_overdue(235.0, unsent_bytes=0) is Overdue.HEAD


@pytest.mark.parametrize(
    ("size", "overdue"), [(5000, None), (4999, Overdue.BODY), (0, Overdue.BODY)]
)
def test_body_must_bring_enough_in_each_window(pace, size, overdue):
    """A body may be slow, not slower than the rate over the window."""
    pace.await_body(100.0)
    pace.feed_body(size)
    assert pace.find_overdue(109.9, unsent_bytes=0) is None
    assert pace.find_overdue(110.0, unsent_bytes=0) is overdue


def test_fast_beginning_buys_no_slow_end(pace):
    """What came in one window does not count in the next."""
    pace.await_body(100.0)
    pace.feed_body(1_000_000)
    assert pace.find_overdue(110.0, unsent_bytes=0) is None
    assert pace.find_overdue(120.0, unsent_bytes=0) is Overdue.BODY


def test_application_may_take_its_time(pace):
    """While a whole request is worked on, nothing is overdue."""
    pace.answer()
    assert pace.find_overdue(10_000.0, unsent_bytes=0) is None


def test_reader_that_takes_nothing_is_given_up(pace):
    """A reader must take something now and then, however little."""
    pace.answer()
    assert pace.find_overdue(100.0, unsent_bytes=900) is None
    assert pace.find_overdue(159.0, unsent_bytes=899) is None
    assert pace.find_overdue(218.0, unsent_bytes=900) is None
    assert pace.find_overdue(219.0, unsent_bytes=900) is Overdue.READER


def test_time_of_a_reader_begins_when_there_is_something(pace):
    """A connection that was silent for long is not given up for its first bytes."""
    pace.answer()
    assert pace.find_overdue(500.0, unsent_bytes=0) is None
    assert pace.find_overdue(559.0, unsent_bytes=1) is None
    assert pace.find_overdue(560.0, unsent_bytes=1) is Overdue.READER


def test_leaving_client_may_read_its_answer(pace):
    """A connection that is closed ends soon after all was taken, or when nothing is."""
    pace.leave(100.0)
    assert pace.find_overdue(104.9, unsent_bytes=0) is None
    assert pace.find_overdue(106.0, unsent_bytes=5) is None
    assert pace.find_overdue(107.0, unsent_bytes=0) is Overdue.LEAVING


@pytest.mark.parametrize(
    ("limits", "seconds"),
    [(PaceLimits(), 0.5), (PaceLimits(head_seconds=1), 0.1), (PaceLimits(idle_seconds=0.1), 0.02)],
)
def test_connections_are_looked_at_often_enough(limits, seconds):
    """The times hold to about a tenth, and looking costs little."""
    assert limits.look_seconds == pytest.approx(seconds)
