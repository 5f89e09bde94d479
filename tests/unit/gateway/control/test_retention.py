"""Retention: who reads and destroys the access log, and that exactly the old days go."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from gateway.backends.access_log_files import AccessLogFiles
from gateway.control.retention import Retention
from gateway.control.room import ControlRoom
from gateway.core.access_log import AccessRecord, LogSpan, SegmentState
from gateway.core.errors import MalformedRequest, PermissionDenied
from gateway.core.identity import Role
from tests.fakes.control import LOCAL, LOOPBACK, FakeClock, open_log, principal, write_log

TODAY = date(2026, 11, 23)
ALL = LogSpan(datetime(2020, 1, 1, tzinfo=UTC), datetime(2120, 1, 1, tzinfo=UTC))


@pytest.fixture
async def files(tmp_path: Path, clock: FakeClock, room: ControlRoom) -> AccessLogFiles:
    """Return an access log with a record of each of the last ten days."""
    log = open_log(tmp_path / "access", room.key_wrap)
    ages = [timedelta(days=days) for days in range(10)]
    await write_log(log, *(AccessRecord(clock.now - age, 200, LOOPBACK) for age in ages))
    return log


@pytest.fixture
def retention(files: AccessLogFiles, room: ControlRoom, clock: FakeClock) -> Retention:
    """Return a retention of seven days over *files*."""
    return Retention(files, room.acts, monotonic=clock.monotonic)


def days_before(count: int) -> list[date]:
    """Return the last *count* days, oldest first."""
    return [TODAY - timedelta(days=days) for days in reversed(range(count))]


async def actions(room: ControlRoom) -> Sequence[str]:
    """Return what the audit trail has of the access log."""
    rows = await room.store.list_audit(after=0, limit=999)
    return [row.entry.action for row in rows if row.entry.action.startswith("access-log")]


async def test_expired_days_go_exactly(retention: Retention) -> None:
    """Today and the six days before it stay: no record gets older than seven times 24 hours."""
    assert await retention.purge_expired() == days_before(10)[:3]
    assert await retention.list_days(LOCAL) == days_before(7)
    assert await retention.purge_expired() == []


async def test_each_purge_and_each_reading_has_its_row(
    retention: Retention, room: ControlRoom
) -> None:
    """What is read, checked or purged is in the audit trail; a look that finds nothing is not."""
    for _ in range(2):
        await retention.purge_expired()
    await retention.read(LOCAL, ALL)
    await retention.verify(LOCAL)
    assert await actions(room) == ["access-log.purge", "access-log.read", "access-log.read"]


async def test_operator_purges_sooner(retention: Retention) -> None:
    """Zero days leaves today's log alone; any number is taken, none below zero."""
    assert await retention.purge(principal(Role.OPERATOR), older_than_days=10**6) == []
    await retention.purge(principal(Role.OPERATOR), older_than_days=0)
    assert await retention.list_days(LOCAL) == [TODAY]
    with pytest.raises(MalformedRequest):
        await retention.purge(LOCAL, older_than_days=-1)


async def test_auditor_reads_and_operator_does_not(retention: Retention) -> None:
    """The log is read by auditors and purged by operators, never the other way round."""
    auditor, operator = principal(Role.AUDITOR), principal(Role.OPERATOR)
    first = (await retention.read(auditor, ALL, limit=1))[0]
    assert (first.status, first.ip) == (200, LOOPBACK)
    await retention.verify(auditor)
    for attempt in (
        retention.read(operator, ALL),
        retention.verify(operator),
        retention.list_days(operator),
        retention.purge(auditor),
    ):
        with pytest.raises(PermissionDenied):
            await attempt


async def test_a_span_that_ends_before_it_begins_is_refused(retention: Retention) -> None:
    """A mistake in the moments is said rather than answered with nothing."""
    with pytest.raises(MalformedRequest):
        await retention.read(LOCAL, LogSpan(ALL.until, ALL.since))


async def test_a_leap_of_the_clock_purges_nothing_at_once(
    retention: Retention, clock: FakeClock, room: ControlRoom
) -> None:
    """A clock that is months ahead destroys nothing at the first look, but at the next one."""
    await retention.purge_expired()
    kept = await retention.list_days(LOCAL)
    real, seconds = clock.now, clock.monotonic()
    later = Retention(retention._archive, room.acts, monotonic=lambda: seconds)
    clock.now = real + timedelta(days=90)
    assert await later.purge_expired() == []
    assert await retention.list_days(LOCAL) == kept
    seconds += 3600
    assert await later.purge_expired() == kept


async def test_a_clock_that_is_set_back_keeps_nothing_longer(
    retention: Retention, clock: FakeClock, room: ControlRoom
) -> None:
    """Nor does a restart: the time that was reached is kept beside the log."""
    await retention.purge_expired()
    clock.advance(days=-90)
    seconds = 0.0
    again = Retention(retention._archive, room.acts, monotonic=lambda: seconds)
    assert await again.purge_expired() == []
    seconds = 86_400.0
    assert await again.purge_expired() == [TODAY - timedelta(days=6)]


async def test_what_a_clock_that_was_ahead_has_dated_goes_too(
    clock: FakeClock, files: AccessLogFiles, room: ControlRoom
) -> None:
    """Days that nobody can write to yet are as due as the old ones, but not tomorrow."""
    retention = Retention(files, room.acts, monotonic=lambda: 0.0)
    await retention.purge_expired()
    ahead = [clock.now + timedelta(days=days) for days in (1, 2, 400)]
    await write_log(files, *(AccessRecord(at, 200, LOOPBACK) for at in ahead))
    clock.advance(days=400)  # not believed so soon, yet its day may be written to
    assert await retention.purge_expired() == []
    clock.advance(days=-400)
    assert await retention.purge_expired() == [at.date() for at in ahead[1:]]
    assert (await retention.list_days(LOCAL))[-2:] == [TODAY, ahead[0].date()]
    await write_log(files, AccessRecord(ahead[2], 200, LOOPBACK))
    assert await retention.purge(LOCAL) == [ahead[2].date()]


async def test_the_last_days_there_are_can_be_purged(
    retention: Retention, clock: FakeClock
) -> None:
    """A clock at the end of all time is no reason to fail."""
    clock.now = datetime.max.replace(tzinfo=UTC)
    assert await retention.purge(LOCAL) == days_before(10)


async def test_a_check_leaves_out_what_is_due(retention: Retention, files: AccessLogFiles) -> None:
    """A purge that was killed half way is no alarm; a key that is missing too soon is one."""
    for name in files.keys.names():
        files.keys.destroy(name)
    reports = await retention.verify(LOCAL)
    assert {report.day for report in reports} == set(days_before(7))
    assert {report.state for report in reports if report.frame == 0} == {SegmentState.KEYLESS}


async def test_retention_is_at_least_a_day(tmp_path: Path, room: ControlRoom) -> None:
    """A retention of no days is refused."""
    with pytest.raises(ValueError, match="at least a day"):
        Retention(open_log(tmp_path / "a", room.key_wrap), room.acts, monotonic=float, keep_days=0)
