"""The counting of bad credentials: when it locks, for how long, and when it is forgotten."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from gateway.core.lockout import MAX_LOCK, FailureRecord, LockoutRules, count_failure

NOW = datetime(2026, 11, 23, tzinfo=UTC)
RULES = LockoutRules()


def fail(times: int, known: FailureRecord | None = None, *, now: datetime = NOW) -> FailureRecord:
    """Return what is known after *times* bad credentials, at least one."""
    for _ in range(times):
        known = count_failure(known, RULES, now=now)
    assert known is not None
    return known


def test_locks_after_the_allowed_failures() -> None:
    """Four bad credentials are forgiven, the fifth locks."""
    assert fail(RULES.failures - 1).locked_until == NOW
    assert fail(RULES.failures).locked_until == NOW + timedelta(seconds=10)


def test_each_further_failure_doubles_the_time_up_to_the_cap() -> None:
    """10, 20, 40 … seconds, never above a quarter of an hour, however many there are."""
    record, waits = fail(RULES.failures), []
    for _ in range(30):
        waits.append((record.locked_until - record.failed_at).total_seconds())
        record = fail(1, record, now=record.locked_until)
    assert waits[:4] == [10, 20, 40, 80]
    assert waits[-1] == max(waits) == MAX_LOCK.total_seconds()


def test_failures_are_forgotten_after_a_quiet_window() -> None:
    """A window without a failure, counted from the end of the lock, starts the count anew."""
    quiet = NOW + timedelta(seconds=10) + RULES.window
    record = fail(1, fail(RULES.failures), now=quiet)
    assert record.locked_until == quiet + timedelta(seconds=20)
    assert record.ends_at(RULES) == record.locked_until + RULES.window
    assert fail(1, record, now=quiet + timedelta(hours=1)).failures == 1


def test_share_of_a_gateway() -> None:
    """All shares together are never less than the rule, and each is at least one."""
    assert [RULES.share(gateways).failures for gateways in (1, 2, 3, 100)] == [5, 3, 2, 1]
