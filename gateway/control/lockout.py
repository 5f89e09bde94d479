"""Locks out who keeps sending bad credentials, per address and client, before any work is done.

A good credential from another address is not concerned: a stranger cannot lock a client out of its
gateway, only the callers of the stranger's own address. What is counted is whom a call says to be,
so the answer is the same whether that client exists or not. Each process counts for itself.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Final

from gateway.core.errors import RateLimited
from gateway.core.identity import Address
from gateway.core.sites import site_of

MAX_CALLERS: Final = 10_000
"""Pairs of address and client that are remembered: about 4 MB. The one that failed longest ago is
forgotten first."""

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


@dataclass(slots=True)
class _Record:
    failures: int
    failed_at: datetime
    locked_until: datetime


class Lockout:
    """Counts bad credentials. Belongs to one event loop."""

    def __init__(
        self, rules: LockoutRules | None = None, *, max_callers: int = MAX_CALLERS
    ) -> None:
        self._rules = rules or LockoutRules()
        self._max_callers = max_callers
        self._records: OrderedDict[tuple[str, str], _Record] = OrderedDict()

    def verify(self, address: Address, client_id: str, *, now: datetime) -> None:
        """Raise ``RateLimited``, which says for how long, while the pair is locked out."""
        record = self._records.get((site_of(address), client_id))
        if record is not None and now < record.locked_until:
            seconds = ceil((record.locked_until - now).total_seconds())
            raise RateLimited(
                "Too many bad credentials; try again later.", retry_after_seconds=seconds
            )

    def count_failure(self, address: Address, client_id: str, *, now: datetime) -> None:
        """Count one bad credential."""
        pair = (site_of(address), client_id)
        record = self._records.pop(pair, None)
        if record is None or now - max(record.failed_at, record.locked_until) > self._rules.window:
            record = _Record(0, now, now)
        record.failures += 1
        record.failed_at = now
        excess = record.failures - self._rules.failures
        if excess >= 0:
            lock = self._rules.first_lock * 2 ** min(excess, _MAX_DOUBLINGS)
            record.locked_until = now + min(lock, MAX_LOCK)
        self._records[pair] = record
        if len(self._records) > self._max_callers:
            self._records.popitem(last=False)

    def forget(self, address: Address, client_id: str) -> None:
        """Forget the failures of a pair that just sent a good credential."""
        self._records.pop((site_of(address), client_id), None)
