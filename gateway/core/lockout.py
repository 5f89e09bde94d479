"""Who keeps sending bad credentials is locked out for a growing time: the rules, and the counting.

Pure values. Where the counts are kept, and who is asked, is the business of a ``LockoutStore``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Protocol

MAX_LOCK: Final = timedelta(minutes=15)
_MAX_DOUBLINGS: Final = 16


@dataclass(frozen=True, slots=True)
class LockoutRules:
    """When and for how long.

    After *failures* bad credentials, each within *window* of the one before, the pair is locked for
    *first_lock*, and after each further one for twice as long, up to :data:`MAX_LOCK`.
    """

    failures: int = 5
    window: timedelta = timedelta(minutes=15)
    first_lock: timedelta = timedelta(seconds=10)

    def share(self, gateways: int) -> LockoutRules:
        """Return the rules of one of *gateways* that count each for itself."""
        return replace(self, failures=-(-self.failures // gateways))


@dataclass(frozen=True, slots=True)
class FailureRecord:
    """What is known of one pair of address and client."""

    failures: int
    failed_at: datetime
    locked_until: datetime

    def is_over(self, rules: LockoutRules, now: datetime) -> bool:
        """Return whether it was quiet for so long that all is forgotten."""
        return now > self.ends_at(rules)

    def ends_at(self, rules: LockoutRules) -> datetime:
        """Return up to when it counts: a window after the last failure or the end of the lock."""
        return max(self.failed_at, self.locked_until) + rules.window


def count_failure(
    known: FailureRecord | None, rules: LockoutRules, *, now: datetime
) -> FailureRecord:
    """Return *known* with one failure more."""
    failures = 1 if known is None or known.is_over(rules, now) else known.failures + 1
    excess = failures - rules.failures
    lock = timedelta(0)
    if excess >= 0:
        lock = min(rules.first_lock * 2 ** min(excess, _MAX_DOUBLINGS), MAX_LOCK)
    return FailureRecord(failures, now, now + lock)


class LockoutStore(Protocol):
    """What remembers bad credentials, for all processes that share it.

    A *pair* is 16 bytes that stand for an address and a client. Every method raises
    ``StoreUnavailable`` within a second when the store does not answer.
    """

    async def find(self, pair: bytes) -> FailureRecord | None:
        """Return what is known of *pair*. Writes nothing. What is over may still be there."""

    async def count_failure(self, pair: bytes, rules: LockoutRules, *, now: datetime) -> None:
        """Count one failure; of several at once each counts."""

    async def forget(self, pair: bytes) -> None:
        """Forget *pair*."""

    async def close(self) -> None:
        """Give everything back."""
