"""Lock-out: after a few bad credentials, for a growing time, and only where they came from."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest

from gateway.control.lockout import MAX_LOCK, Lockout, LockoutRules
from gateway.core.errors import RateLimited

NOW = datetime(2026, 11, 23, tzinfo=UTC)
HERE = ip_address("192.0.2.7")
RULES = LockoutRules()


def fail(lockout: Lockout, times: int, *, now: datetime = NOW, address: str = "192.0.2.7") -> None:
    """Send *times* bad credentials for one client."""
    for _ in range(times):
        lockout.count_failure(ip_address(address), "c-1", now=now)


def wait_seconds(lockout: Lockout, *, now: datetime = NOW, address: str = "192.0.2.7") -> int:
    """Return how long the pair must wait; 0 when it need not."""
    try:
        lockout.verify(ip_address(address), "c-1", now=now)
    except RateLimited as error:
        return error.retry_after_seconds
    return 0


def test_locks_after_the_allowed_failures() -> None:
    """Four bad credentials are forgiven, the fifth locks, and the time said is the true one."""
    lockout = Lockout()
    fail(lockout, RULES.failures - 1)
    assert wait_seconds(lockout) == 0
    fail(lockout, 1)
    assert wait_seconds(lockout) == 10
    assert wait_seconds(lockout, now=NOW + timedelta(seconds=9.5)) == 1
    assert wait_seconds(lockout, now=NOW + timedelta(seconds=10)) == 0


def test_each_further_failure_doubles_the_time_up_to_the_cap() -> None:
    """10, 20, 40 … seconds, never above a quarter of an hour."""
    lockout, now = Lockout(), NOW
    fail(lockout, RULES.failures)
    waits = []
    for _ in range(30):
        waits.append(wait_seconds(lockout, now=now))
        now += timedelta(seconds=waits[-1])
        fail(lockout, 1, now=now)
    assert waits[:4] == [10, 20, 40, 80]
    assert waits[-1] == max(waits) == MAX_LOCK.total_seconds()


def test_failures_are_forgotten_after_a_quiet_window() -> None:
    """A window without a failure, counted from the end of the lock, starts the count anew."""
    lockout = Lockout()
    fail(lockout, RULES.failures)
    quiet = NOW + timedelta(seconds=10) + RULES.window
    fail(lockout, 1, now=quiet)
    assert wait_seconds(lockout, now=quiet) == 20
    fail(lockout, 1, now=quiet + timedelta(hours=1))
    assert wait_seconds(lockout, now=quiet + timedelta(hours=1)) == 0


def test_a_good_credential_starts_the_count_anew() -> None:
    """Somebody who mistyped four times and then got it right has no record."""
    lockout = Lockout()
    fail(lockout, RULES.failures - 1)
    lockout.forget(HERE, "c-1")
    lockout.forget(HERE, "c-1")
    fail(lockout, RULES.failures - 1)
    assert wait_seconds(lockout) == 0


def test_other_addresses_and_clients_are_not_locked() -> None:
    """Only the pair is locked, so a stranger elsewhere cannot lock a client out."""
    lockout = Lockout()
    fail(lockout, RULES.failures)
    assert wait_seconds(lockout, address="192.0.2.8") == 0
    lockout.verify(HERE, "c-2", now=NOW)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.7", "192.0.2.7", True),
        ("::ffff:192.0.2.7", "::ffff:192.0.2.8", False),
    ],
)
def test_addresses_count_by_customer(one: str, other: str, same: bool) -> None:
    """An IPv6 site counts as one, an IPv4-mapped address as its IPv4 one."""
    lockout = Lockout()
    fail(lockout, RULES.failures, address=one)
    assert (wait_seconds(lockout, address=other) > 0) is same


def test_memory_is_bounded() -> None:
    """Above the limit the pair that failed longest ago is forgotten."""
    lockout = Lockout(LockoutRules(failures=1), max_callers=2)
    for name in ("c-1", "c-2", "c-1", "c-3"):
        lockout.count_failure(HERE, name, now=NOW)
    lockout.verify(HERE, "c-2", now=NOW)
    for name in ("c-1", "c-3"):
        with pytest.raises(RateLimited):
            lockout.verify(HERE, name, now=NOW)
