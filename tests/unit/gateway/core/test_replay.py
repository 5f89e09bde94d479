"""Replay protection: what names a request, and the window around its date."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gateway.core.errors import DateRefused
from gateway.core.replay import TAG_BYTES, replay_tag, replay_until, verify_date

NOW = datetime(2026, 11, 23, 10, 0, 0, tzinfo=UTC)
VALUE = b"Mon, 23 Nov 2026 10:00:00 GMT"


def test_tag_names_the_encapsulated_key():
    """The same encapsulated key gives the same 16 bytes, another one gives others."""
    assert replay_tag(b"a") == replay_tag(b"a") != replay_tag(b"b")
    assert len(replay_tag(b"a")) == TAG_BYTES == 16


def test_tag_is_remembered_for_longer_than_its_date_is_accepted():
    """A request dated one skew ahead is accepted for two skews; its tag outlives that."""
    latest = NOW + timedelta(seconds=120)
    assert replay_until(NOW) > latest + timedelta(seconds=120)
    assert replay_until(NOW, max_skew_seconds=5) == NOW + timedelta(seconds=40)


@pytest.mark.parametrize("seconds", [-120, -1, 0, 119.5, 120])
def test_date_within_the_window_passes(seconds):
    """A date up to the skew before or after our clock is accepted."""
    verify_date(VALUE, now=NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize("seconds", [-121, -120.001, 120.001, 86_400])
def test_date_outside_the_window_is_refused(seconds):
    """A date beyond the skew is refused on both sides."""
    with pytest.raises(DateRefused):
        verify_date(VALUE, now=NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"Tue, 23 Nov 2026 10:00:00 GMT",  # the wrong day
        b"Monday, 23-Nov-26 10:00:00 GMT",
        b"Mon Nov 23 10:00:00 2026",
        b"mon, 23 nov 2026 10:00:00 gmt",
        b"Mon, 23 Nov 2026 10:00:00 +0000",
        b"Mon, 23 Nov 2026 10:00:00 GMT ",
        b" Mon, 23 Nov 2026 10:00:00 GMT",
        b"Mon, 23 Nov 2026 10:00:00 GMT\n",
        b"Mon, 3 Nov 2026 10:00:00 GMT",
        b"Mon, 31 Nov 2026 10:00:00 GMT",
        b"Mon, 23 Nov 2026 25:00:00 GMT",
        b"Mon, 23 Nov 2026 10:00:60 GMT",
        b"Mon, 23 Nov 0000 10:00:00 GMT",
        "Mon, ٢٣ Nov 2026 10:00:00 GMT".encode(),
        b"\xff\x00",
        b"2026-11-23T10:00:00Z",
    ],
)
def test_everything_but_an_imf_fixdate_is_refused(value):
    """One moment has one spelling; whatever else is sent, or nothing, is refused."""
    with pytest.raises(DateRefused):
        verify_date(value, now=NOW, max_skew_seconds=10**9)
