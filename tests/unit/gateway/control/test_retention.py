"""Retention: who reads and deletes the access log, and that exactly the old days go."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from gateway.backends.access_log_files import AccessLogFiles
from gateway.control.retention import Retention
from gateway.control.room import ControlRoom
from gateway.core.access_log import AccessRecord
from gateway.core.errors import MalformedRequest, NotFound, PermissionDenied
from gateway.core.identity import Role
from tests.fakes.control import LOCAL, LOOPBACK, FakeClock, principal

TODAY = date(2026, 11, 23)


@pytest.fixture
def retention(tmp_path: Path, clock: FakeClock, room: ControlRoom) -> Retention:
    """Return a retention of seven days over ten days of log."""
    files = AccessLogFiles(tmp_path / "access")
    for days in range(10):
        files.write(AccessRecord(clock.now - timedelta(days=days), 200, LOOPBACK))
    files.close()
    return Retention(files, room.acts)


async def test_expired_days_go_exactly(retention: Retention) -> None:
    """What is older than seven days is deleted, and nothing else."""
    assert await retention.purge_expired() == [date(2026, 11, 14), date(2026, 11, 15)]
    assert len(await retention.list_days(LOCAL)) == 8
    assert await retention.purge_expired() == []


async def test_operator_purges_sooner(retention: Retention) -> None:
    """Zero days leaves today's log alone."""
    await retention.purge(principal(Role.OPERATOR), older_than_days=0)
    assert await retention.list_days(LOCAL) == [TODAY]
    with pytest.raises(MalformedRequest):
        await retention.purge(LOCAL, older_than_days=-1)


async def test_auditor_reads_and_operator_does_not(retention: Retention) -> None:
    """The log is read by auditors and purged by operators, never the other way round."""
    auditor, operator = principal(Role.AUDITOR), principal(Role.OPERATOR)
    (record,) = await retention.read(auditor, TODAY)
    assert (record.status, record.ip) == (200, LOOPBACK)
    with pytest.raises(PermissionDenied):
        await retention.read(operator, TODAY)
    with pytest.raises(PermissionDenied):
        await retention.list_days(operator)
    with pytest.raises(PermissionDenied):
        await retention.purge(auditor)
    with pytest.raises(NotFound):
        await retention.read(auditor, date(2020, 1, 1))


async def test_retention_is_at_least_a_day(tmp_path: Path, room: ControlRoom) -> None:
    """A retention of no days is refused."""
    with pytest.raises(ValueError, match="at least a day"):
        Retention(AccessLogFiles(tmp_path / "a"), room.acts, keep_days=0)
