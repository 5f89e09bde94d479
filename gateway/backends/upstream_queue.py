"""Places at the backends, and a short queue before them.

Bounded in length and time: while a backend hangs, the callers behind it are refused and do not pile
up. Who waits is served in order, and nobody who comes later is served before.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import NamedTuple

from gateway.core.balancer import NONE, Balancer, Lease, Outcome
from gateway.core.errors import Overloaded, StoreUnavailable, UpstreamUnavailable
from gateway.core.upstream_port import UpstreamRequest

_TOO_LARGE = "The calls under way are as large as the gateway can hold; try again later."
_FULL = "All servers of this model have as much to do as they take; try again later."

Drained = Callable[[], Collection[str]]
"""Names the backends that get no new calls. May raise ``StoreUnavailable``."""


@dataclass(frozen=True, slots=True)
class QueueRules:
    """At most *waiting* calls wait for each model, none longer than *seconds*.

    The bodies of all that wait or are under way have *max_bytes* together.
    """

    waiting: int = 64
    seconds: float = 5.0
    max_bytes: int = 256 * 2**20


class _Waiting(NamedTuple):
    request: UpstreamRequest
    avoided: Collection[str]
    place: asyncio.Future[Lease]


class UpstreamQueue:
    """Gives out the places of a *balancer*. For one event loop."""

    def __init__(
        self,
        balancer: Balancer,
        *,
        drained: Drained = lambda: NONE,
        rules: QueueRules | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.balancer = balancer
        self.monotonic = monotonic
        self._drained = drained
        self._rules = rules or QueueRules()
        self._waiting: dict[str, deque[_Waiting]] = {}
        self._bytes = 0

    async def take(self, request: UpstreamRequest, *, avoided: Collection[str] = NONE) -> Lease:
        """Return a place for *request* at none of *avoided*; give it back with :meth:`end`.

        Raises ``UpstreamUnavailable`` when no server of its model is usable, ``Overloaded`` when
        all are full and the queue is too, the wait was too long, or all calls together too large.
        """
        size = len(request.body)
        if self._bytes + size > self._rules.max_bytes:
            raise Overloaded(_TOO_LARGE)
        self._bytes += size
        try:
            lease = await self._take(request, avoided)
        except BaseException:
            self._bytes -= size
            raise
        lease.size = size
        return lease

    def end(self, lease: Lease, outcome: Outcome) -> None:
        """Give *lease* back; whoever waits for it gets it at once."""
        self._bytes -= lease.size
        lease.size = 0
        lease.end(outcome, now=self.monotonic())
        self.serve()

    def serve(self) -> None:
        """Give the places that there are to those who wait, in their order for each model."""
        for waiting in self._waiting.values():
            while waiting and self._serve_first(waiting[0]):
                waiting.popleft()

    def has_usable(self) -> bool:
        """Return whether at least one backend is known to be healthy and takes calls."""
        try:
            drained = self._drained()
        except StoreUnavailable:
            return False
        return self.balancer.has_usable(now=self.monotonic(), avoided=drained)

    async def _take(self, request: UpstreamRequest, avoided: Collection[str]) -> Lease:
        waiting = self._waiting.setdefault(request.model, deque())
        lease = None if waiting else self._find(request, avoided)
        if lease is not None:
            return lease
        if len(waiting) >= self._rules.waiting:
            raise Overloaded(_FULL)
        place: asyncio.Future[Lease] = asyncio.get_running_loop().create_future()
        entry = _Waiting(request, avoided, place)
        waiting.append(entry)
        try:
            async with asyncio.timeout(self._rules.seconds):
                return await place
        except BaseException as error:
            if place.done() and not place.cancelled() and place.exception() is None:
                self.end(place.result(), Outcome.NO_VERDICT)
            if entry in waiting:
                waiting.remove(entry)
            if isinstance(error, TimeoutError):
                raise Overloaded(_FULL) from None
            raise

    def _serve_first(self, first: _Waiting) -> bool:
        """Return whether it need not wait any longer."""
        if first.place.done():  # it left, or its time is over
            return True
        try:
            lease = self._find(first.request, first.avoided)
        except (UpstreamUnavailable, StoreUnavailable) as error:
            first.place.set_exception(error)
            return True
        if lease is None:
            return False
        first.place.set_result(lease)
        return True

    def _find(self, request: UpstreamRequest, avoided: Collection[str]) -> Lease | None:
        drained = self._drained()
        return self.balancer.find_place(
            request.model,
            request.client_id,
            now=self.monotonic(),
            avoided={*drained, *avoided} if avoided else drained,
        )
