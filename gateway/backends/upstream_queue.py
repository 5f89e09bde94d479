"""Places at the backends, and a short queue before them.

Bounded in length and time: while a backend hangs, the callers behind it are refused and do not pile
up, and who would wait too long is told at once. A place that is free goes to the client that has
the fewest calls under way, among those in the order in which they came. Of places, of the queue and
of the memory for bodies one client gets its share and no more (ADR-0033).
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import Final

from gateway.core.balancer import NONE, Balancer, Lease, Outcome
from gateway.core.errors import (
    Overloaded,
    RateLimited,
    StoreUnavailable,
    UpstreamUnavailable,
)
from gateway.core.fair_share import is_within_share
from gateway.core.upstream_port import UpstreamRequest

_TOO_LARGE = "The calls under way are as large as the gateway can hold; try again later."
_FULL = "All servers of this model have as much to do as they take; try again later."
_SHARE = "This client has as much under way as its share of what there is; try again later."

_BYTES_SHARE: Final = 16
_WAITING_SHARE: Final = 2
"""Of the queue a client gets less than of the places: it is for bursts, and others have bursts."""

_RETRY_SECONDS: Final = 1
"""Nobody knows when a running answer ends, and it may be the next moment."""

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


@dataclass(eq=False, slots=True)
class _Waiting:
    request: UpstreamRequest
    avoided: frozenset[str]
    place: asyncio.Future[Lease]

    @property
    def wanted(self) -> tuple[str, frozenset[str]]:
        """What it waits for; for whom there is a place depends on nothing but this and calls."""
        return self.request.model, self.avoided


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
        self._waiting: dict[_Waiting, None] = {}  # in the order in which they came
        self._bytes: Counter[str] = Counter()
        self._all_bytes = 0

    async def take(self, request: UpstreamRequest, *, avoided: Collection[str] = NONE) -> Lease:
        """Return a place for *request* at none of *avoided*; give it back with :meth:`end`.

        Raises ``UpstreamUnavailable`` when no server of its model is usable. When all are full and
        the queue is too, the wait is or would be too long, or all calls together are too large:
        ``RateLimited`` if others could still call, ``Overloaded`` if not.
        """
        size = len(request.body)
        self._hold(request.client_id, size)
        try:
            lease = await self._take(request, frozenset(avoided))
        except BaseException:
            self._note_bytes(request.client_id, -size)
            raise
        lease.size = size
        return lease

    def end(self, lease: Lease, outcome: Outcome) -> None:
        """Give *lease* back; who waits for it gets it at once."""
        self._note_bytes(lease.client_id, -lease.size)
        lease.size = 0
        lease.end(outcome, now=self.monotonic())
        self.serve()

    def serve(self) -> None:
        """Give the places that there are to those who wait, fewest calls first."""
        calls_of = self.balancer.calls_of
        line = [
            (calls_of(entry.request.client_id), number, entry)
            for number, entry in enumerate(self._waiting)
        ]
        heapify(line)
        vain: set[tuple[str, frozenset[str]]] = set()
        while line:
            calls, number, first = heappop(line)
            if first.wanted in vain:  # there is none for those with more calls either
                continue
            calls_now = calls_of(first.request.client_id)
            if calls_now > calls:  # its client was given a place just now
                heappush(line, (calls_now, number, first))
            elif self._serve_first(first):
                del self._waiting[first]
            else:
                vain.add(first.wanted)

    def has_usable(self) -> bool:
        """Return whether at least one backend is known to be healthy and takes calls."""
        try:
            drained = self._drained()
        except StoreUnavailable:
            return False
        return self.balancer.has_usable(now=self.monotonic(), avoided=drained)

    def _hold(self, client_id: str, size: int) -> None:
        left = self._rules.max_bytes - self._all_bytes
        if size > left:
            raise Overloaded(_TOO_LARGE)
        if not is_within_share(self._bytes[client_id], left, multiple=_BYTES_SHARE):
            raise RateLimited(_SHARE, retry_after_seconds=_RETRY_SECONDS)
        self._note_bytes(client_id, size)

    def _note_bytes(self, client_id: str, size: int) -> None:
        self._all_bytes += size
        self._bytes[client_id] += size
        if not self._bytes[client_id]:
            del self._bytes[client_id]

    async def _take(self, request: UpstreamRequest, avoided: frozenset[str]) -> Lease:
        lease = None if self._waiting else self._find(request, avoided)
        if lease is not None:
            return lease
        place: asyncio.Future[Lease] = asyncio.get_running_loop().create_future()
        entry = _Waiting(request, avoided, place)
        self._waiting[entry] = None
        self.serve()
        try:
            if entry in self._waiting:
                self._verify_worth_waiting(entry)
            async with asyncio.timeout(self._rules.seconds):
                return await place
        except BaseException as error:
            if place.done() and not place.cancelled() and place.exception() is None:
                self.end(place.result(), Outcome.NO_VERDICT)
            self._waiting.pop(entry, None)
            if isinstance(error, TimeoutError):
                raise self._refusal(entry) from None
            raise

    def _verify_worth_waiting(self, entry: _Waiting) -> None:
        """Raise unless there is room for *entry*, and a place in time as far as one can foresee."""
        model, client_id = entry.request.model, entry.request.client_id
        others = [
            other.request
            for other in self._waiting
            if other is not entry and other.request.model == model
        ]
        mine = sum(other.client_id == client_id for other in others)
        left = self._rules.waiting - len(others)
        if not is_within_share(mine, left, multiple=_WAITING_SHARE):
            raise self._refusal(entry, is_own_share=left > 0)
        calls = self.balancer.calls_of(client_id)
        ahead = sum(self.balancer.calls_of(other.client_id) <= calls for other in others)
        avoided = self._closed(entry.avoided)
        wait = self.balancer.expected_wait(model, ahead, now=self.monotonic(), avoided=avoided)
        if wait > self._rules.seconds:
            raise self._refusal(entry)

    def _refusal(self, entry: _Waiting, *, is_own_share: bool = False) -> Overloaded | RateLimited:
        avoided = self._closed(entry.avoided)
        left = self.balancer.places_left(entry.request.model, now=self.monotonic(), avoided=avoided)
        if is_own_share or left:
            return RateLimited(_SHARE, retry_after_seconds=_RETRY_SECONDS)
        return Overloaded(_FULL)

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
        return self.balancer.find_place(
            request.model,
            request.client_id,
            now=self.monotonic(),
            avoided=self._closed(avoided),
        )

    def _closed(self, avoided: Collection[str]) -> Collection[str]:
        """Return which backends get nothing of a call that avoids those."""
        drained = self._drained()
        return {*drained, *avoided} if avoided else drained
