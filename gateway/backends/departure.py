"""How a process that serves is told to end, and by when it must have ended.

Two ways: *stop*, after which nobody may be left to serve, and *drain*, when another process serves
in its place, so that connections which have just begun can be served without a hurry.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a process may take to end, in seconds.

    *grace* is for answers after a stop, *drain_grace* for those of a process that was replaced.
    For *unready* before a stop connections are still accepted, but ``/readyz`` says no. Where
    somebody else accepts, connections are kept for *linger* after the last one was accepted here:
    TLS handshakes end and first requests arrive.
    """

    grace: float = 30.0
    drain_grace: float = 3600.0
    unready: float = 0.0
    linger: float = 2.0


class Departure:
    """What the process was told, and the moments that follow from it. Belongs to one event loop."""

    def __init__(
        self, patience: Patience | None = None, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._patience = patience or Patience()
        self._monotonic = monotonic
        self._news = asyncio.Event()
        self._is_stopped = False
        self._is_drained = False
        self._close_at = self._settle_at = self._end_at = float("inf")

    @property
    def is_stopping(self) -> bool:
        """Whether nobody should send anything here any more."""
        return self._is_stopped

    def stop(self) -> None:
        """End when the running answers have; told again, end at once."""
        now = self._monotonic()
        unready = 0.0 if self._is_stopped or self._is_drained else self._patience.unready
        grace = 0.0 if self._is_stopped else self._patience.grace
        self._is_stopped = True
        self._move(close_at=now + unready, settle_at=now + unready, end_at=now + unready + grace)

    def drain(self) -> None:
        """Accept nothing more, since others do, and end when the running answers have."""
        now = self._monotonic()
        self._is_drained = True
        settle_at = now + self._patience.linger
        self._move(close_at=now, settle_at=settle_at, end_at=now + self._patience.drain_grace)

    async def time_to_close(self) -> None:
        """Return when no more connections are to be accepted."""
        await self._reach(lambda: self._close_at)

    async def time_to_settle(self) -> None:
        """Return when connections without an answer under way are to be closed."""
        await self._reach(lambda: self._settle_at)

    async def time_to_end(self) -> None:
        """Return when answers that still run are to be cut."""
        await self._reach(lambda: self._end_at)

    def _move(self, *, close_at: float, settle_at: float, end_at: float) -> None:
        """Take the earlier moment of each: what is said later can only bring the end nearer."""
        self._close_at = min(self._close_at, close_at)
        self._settle_at = min(self._settle_at, settle_at)
        self._end_at = min(self._end_at, end_at)
        news, self._news = self._news, asyncio.Event()
        news.set()

    async def _reach(self, moment: Callable[[], float]) -> None:
        while (left := moment() - self._monotonic()) > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(None if left == float("inf") else left):
                    await self._news.wait()
