"""What is remembered of a request: three things, and no room for a fourth."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields
from datetime import UTC, datetime
from ipaddress import ip_address

import pytest

from gateway.core.access_log import AccessRecord

RECORD = AccessRecord(at=datetime(2026, 11, 23, tzinfo=UTC), status=200, ip=ip_address("::1"))


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
