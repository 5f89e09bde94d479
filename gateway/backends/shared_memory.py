"""What gateways remember together outside of the database, and whether that can be relied on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from gateway.core.errors import StoreUnavailable
from gateway.core.lockout import LockoutStore
from gateway.core.ports import AnswerPlaces, QuotaStore, ReplayStore


class SharedMemory(NamedTuple):
    """What is counted and remembered outside of the database."""

    quota_store: QuotaStore
    replay_store: ReplayStore | None = None
    """None: requests are remembered in the database. Closing it closes everything here."""

    lockout_store: LockoutStore | None = None
    """None: bad credentials are counted in the database."""

    verify: Callable[[], Awaitable[None]] | None = None
    """Raises ``StoreUnavailable``, which says why, unless Redis can be relied on now."""

    places: AnswerPlaces | None = None
    """None: no other process of this host has answers under way."""

    async def is_ready(self) -> bool:
        """Return whether requests can be remembered, as far as it is Redis that does it."""
        if self.verify is None:
            return True
        try:
            await self.verify()
        except StoreUnavailable:
            return False
        return True
