"""Work before a caller is proven."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from gateway.core.effort import EffortRules
from gateway.core.errors import RateLimited
from gateway.pipeline.spend import Spending, boundless_attempt


class Watch:
    """Processor time that a test spends."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.refusals = 0

    def __call__(self) -> float:
        """Return the time."""
        return self.seconds

    def refused(self) -> None:
        """Count."""
        self.refusals += 1

    def work(self, seconds: float) -> None:
        """Pass *seconds*."""
        self.seconds += seconds


def spending_of(watch: Watch) -> Spending:
    return Spending(
        EffortRules(), count_refusal=watch.refused, monotonic=lambda: 0.0, working=watch
    )


def test_unproven_work_is_charged_when_the_attempt_is_over() -> None:
    """What was spent counts for the /64 of the address, from when it is clear that it was vain."""
    watch = Watch()
    spending = spending_of(watch)
    first = spending.attempt(ip_address("2001:db8::1"))
    with first:
        for _ in range(2):
            first.do(watch.work, 0.08)
            spending.attempt(ip_address("2001:db8::2")).verify()
    with pytest.raises(RateLimited):
        spending.attempt(ip_address("2001:db8::2")).verify()
    assert watch.refusals == 1
    spending.attempt(ip_address("2001:db8:0:1::1")).verify()


def test_a_proven_caller_has_cost_nothing() -> None:
    """However much comes at one time, what leads to proven callers is held against nobody."""
    watch = Watch()
    spending = spending_of(watch)
    attempts = [spending.attempt(ip_address("192.0.2.1")) for _ in range(500)]
    for attempt in attempts:
        attempt.verify()
        attempt.do(watch.work, 0.01)
    for attempt in attempts:
        with attempt:
            attempt.prove()
    spending.attempt(ip_address("192.0.2.1")).verify()


def test_work_that_fails_is_charged() -> None:
    """An error on the way is what this is about."""
    watch = Watch()
    attempt = spending_of(watch).attempt(ip_address("192.0.2.1"))

    def fail() -> None:
        watch.work(1.0)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), attempt:
        attempt.do(fail)
    with pytest.raises(RateLimited):
        attempt.verify()


def test_without_a_budget_nothing_is_refused() -> None:
    """A pipeline that was put together without one works."""
    attempt = boundless_attempt()
    with attempt:
        assert attempt.do(int, "7") == 7
    attempt.verify()
    attempt.prove()
