"""Bad credentials counted in the memory of one process."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime
from typing import Final

from gateway.core.lockout import FailureRecord, LockoutRules, count_failure

MAX_PAIRS: Final = 10_000
"""Pairs of address and client that are remembered: about 3 MB. The one that failed longest ago is
forgotten first."""


class MemoryLockoutStore:
    """A ``LockoutStore`` of one event loop."""

    def __init__(self, *, max_pairs: int = MAX_PAIRS) -> None:
        self._max_pairs = max_pairs
        self._records: OrderedDict[bytes, FailureRecord] = OrderedDict()

    async def find(self, pair: bytes) -> FailureRecord | None:
        """Return what is known of *pair*."""
        return self._records.get(pair)

    async def count_failure(self, pair: bytes, rules: LockoutRules, *, now: datetime) -> None:
        """Count one failure."""
        self._records[pair] = count_failure(self._records.pop(pair, None), rules, now=now)
        if len(self._records) > self._max_pairs:
            self._records.popitem(last=False)

    async def forget(self, pair: bytes) -> None:
        """Forget *pair*."""
        self._records.pop(pair, None)

    async def close(self) -> None:
        """Do nothing: there is nothing to give back."""
