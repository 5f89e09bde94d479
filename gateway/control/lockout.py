"""Locks out who keeps sending bad credentials, per address and client, before any work is done.

A good credential from another address is not concerned: a stranger cannot lock a client out of its
gateway, only the callers of the stranger's own address. What is counted is whom a call says to be,
so the answer is the same whether that client exists or not. A good credential writes nothing
unless there were bad ones before it.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from math import ceil
from typing import Final

from gateway.core.errors import RateLimited
from gateway.core.identity import Address
from gateway.core.lockout import LockoutRules, LockoutStore
from gateway.core.sites import site_of

_PAIR_BYTES: Final = 16


class Lockout:
    """Counts bad credentials in *store*. Methods raise ``StoreUnavailable`` as that does."""

    def __init__(self, store: LockoutStore, rules: LockoutRules | None = None) -> None:
        self._store = store
        self._rules = rules or LockoutRules()

    async def verify(self, address: Address, client_id: str, *, now: datetime) -> bool:
        """Return whether there is anything to forget once a good credential has come.

        Raises ``RateLimited``, which says for how long, while the pair is locked out.
        """
        record = await self._store.find(_pair(address, client_id))
        if record is not None and now < record.locked_until:
            seconds = ceil((record.locked_until - now).total_seconds())
            raise RateLimited(
                "Too many bad credentials; try again later.", retry_after_seconds=seconds
            )
        return record is not None

    async def count_failure(self, address: Address, client_id: str, *, now: datetime) -> None:
        """Count one bad credential."""
        await self._store.count_failure(_pair(address, client_id), self._rules, now=now)

    async def forget(self, address: Address, client_id: str) -> None:
        """Forget the failures of a pair that just sent a good credential."""
        await self._store.forget(_pair(address, client_id))


def _pair(address: Address, client_id: str) -> bytes:
    """Return what stands for both in the store, which so has neither."""
    named = f"{site_of(address)}\n{client_id}".encode()
    return hashlib.sha256(named).digest()[:_PAIR_BYTES]
