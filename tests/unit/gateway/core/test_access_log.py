"""What is remembered of a request: three things, and no room for a fourth."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields
from datetime import UTC, datetime, timedelta, timezone
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.access_log import (
    AccessRecord,
    LogSpan,
    SegmentReport,
    SegmentState,
    encode_records,
    parse_records,
    record_time,
)
from gateway.core.errors import StoreUnavailable

NOW = datetime(2026, 11, 23, 23, 59, 59, 999_900, tzinfo=UTC)
RECORD = AccessRecord(at=datetime(2026, 11, 23, tzinfo=UTC), status=200, ip=ip_address("::1"))
RECORDS = st.builds(
    AccessRecord,
    st.datetimes(
        datetime.fromisoformat("1970-01-01"),
        datetime.fromisoformat("9999-01-01"),
        timezones=st.just(UTC),
    ).map(lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000)),
    st.integers(0, 999),
    st.ip_addresses().filter(lambda ip: getattr(ip, "ipv4_mapped", None) is None),
)


def test_record_is_time_status_and_address() -> None:
    """There is no other field, so no path, no model and no client can be kept."""
    assert [field.name for field in fields(AccessRecord)] == ["at", "status", "ip"]


@pytest.mark.parametrize("name", ["path", "client_id", "model", "bytes"])
def test_nothing_can_be_added(name: str) -> None:
    """A record takes no further attribute, not even by accident."""
    with pytest.raises((AttributeError, TypeError)):
        setattr(RECORD, name, "x")
    assert not hasattr(RECORD, "__dict__")


def test_record_does_not_change() -> None:
    """What was recorded stays as it was."""
    with pytest.raises(FrozenInstanceError):
        RECORD.status = 500  # type: ignore[misc]


def test_equal_records_are_one() -> None:
    """Records are values: the same time, status and address are the same record."""
    same = AccessRecord(at=RECORD.at, status=200, ip=ip_address("::1"))
    assert same == RECORD
    assert len({same, RECORD}) == 1


@given(st.lists(RECORDS, max_size=20))
def test_records_come_back(records: list[AccessRecord]) -> None:
    """Whatever was recorded is read again, in 26 bytes each."""
    data = encode_records(records)
    assert len(data) == 26 * len(records)
    assert list(parse_records(data)) == records


@pytest.mark.parametrize(
    ("ip", "shown"),
    [("192.0.2.1", "192.0.2.1"), ("::ffff:192.0.2.1", "192.0.2.1"), ("2001:db8::1", "2001:db8::1")],
)
def test_mapped_address_is_the_one_it_carries(ip: str, shown: str) -> None:
    """An IPv4 address is IPv4 however it came; times are cut to milliseconds and shown with Z."""
    record = AccessRecord(NOW.astimezone(timezone(timedelta(hours=8))), 200, ip_address(ip))
    (read,) = parse_records(encode_records([record]))
    assert (str(read.ip), record_time(read)) == (shown, "2026-11-23T23:59:59.999Z")


def test_span_has_its_first_moment_and_not_its_last() -> None:
    """Of a span the beginning is in it and the end is not, to the microsecond."""
    moments = [NOW.replace(microsecond=ms * 1000) for ms in range(4)]
    data = encode_records(AccessRecord(at, 200, RECORD.ip) for at in moments)
    found = list(parse_records(data, LogSpan(moments[1], moments[3])))
    assert [record.at for record in found] == moments[1:3]
    later = moments[1] + timedelta(microseconds=1)
    assert next(parse_records(data, LogSpan(later, moments[3]))).at == moments[2]


@pytest.mark.parametrize("data", [b"x", bytes(25), bytes(27)])
def test_other_lengths_are_refused(data: bytes) -> None:
    """What is not so many whole records is not read."""
    with pytest.raises(StoreUnavailable):
        list(parse_records(data))


@given(st.lists(st.integers(0, 5), max_size=30), st.integers(1, 7))
def test_pages_are_all_of_the_span_once(moments: list[int], limit: int) -> None:
    """Page after page shows each record once, many of one millisecond too."""
    start = RECORD.at
    log = [
        AccessRecord(start + timedelta(milliseconds=ms), number, RECORD.ip)
        for number, ms in enumerate(sorted(moments))
    ]
    span, seen = LogSpan(start, start + timedelta(seconds=1)), []
    while page := [r for r in log if r.at >= span.since][span.skip : span.skip + limit]:
        seen += page
        span = span.after(page)
    assert seen == log
    assert span.after([]) == span


def test_what_a_crash_leaves_is_sound() -> None:
    """Torn and unfinished are what a crash leaves; all other findings are somebody's doing."""
    sound = {
        state
        for state in SegmentState
        if SegmentReport("n", NOW.date(), state, records=0, frame=0).is_sound
    }
    assert sound == {SegmentState.WHOLE, SegmentState.UNFINISHED, SegmentState.TORN}
