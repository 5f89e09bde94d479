"""Between authorize and forward: let through what the client has quota for, and count the cost.

A call is refused while one of its client's quotas is used up; a refusal costs nothing. Tokens are
counted once the answer is over, however it ended, as vLLM counts them, so the answer that crosses a
quota is still given in full and the next call waits (ADR-0016).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace

from gateway.core.errors import QuotaExceeded, StoreUnavailable
from gateway.core.identity import Client
from gateway.core.ports import AnswerPlaces, QuotaStore
from gateway.pipeline.exchange import Authorized, Metered

# Nobody knows when a running answer ends, and it may be the next moment.
_RETRY_STREAM_SECONDS = 1


class Meter:
    """Counts requests, tokens and the answers under way of each client.

    How many answers run is counted in this process and, where there are others, in *places*.
    *count_refusal* is called for each call that is refused.
    """

    def __init__(
        self,
        store: QuotaStore,
        *,
        count_refusal: Callable[[], None],
        places: AnswerPlaces | None = None,
    ) -> None:
        self._store = store
        self._places = places
        self._count_refusal = count_refusal
        self._running: Counter[str] = Counter()
        self._counting: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def __call__(self, authorized: Authorized) -> AsyncIterator[Metered]:
        """Yield *authorized* as metered; what its answer has cost is counted at the end.

        A list of models costs a request; tokens and a place are for calls of a model, streamed or
        not. Raises ``QuotaExceeded`` or ``StoreUnavailable``.
        """
        client = authorized.principal.client
        if authorized.call is None:
            await self._take(_without_tokens(client))
            yield Metered(authorized)
            return
        with self._place(client):
            await self._take(client)
            try:
                yield Metered(authorized)
            finally:
                if client.quota.limits_tokens:
                    await self._count(client, authorized)

    @contextmanager
    def _place(self, client: Client) -> Iterator[None]:
        client_id, limit = client.client_id, client.quota.concurrent_streams
        if limit is not None and self._running[client_id] >= limit:
            raise self._no_place()
        with self._place_among_all(client_id, limit):
            self._running[client_id] += 1
            try:
                yield
            finally:
                self._running[client_id] -= 1
                if not self._running[client_id]:
                    del self._running[client_id]

    @contextmanager
    def _place_among_all(self, client_id: str, limit: int | None) -> Iterator[None]:
        if self._places is None or limit is None:
            yield
            return
        place = self._places.take(client_id, limit)
        if place is None:
            raise self._no_place()
        try:
            yield
        finally:
            self._places.give_back(client_id, place)

    def _no_place(self) -> QuotaExceeded:
        self._count_refusal()
        return QuotaExceeded(
            "As many answers of this client are under way as its quota allows.",
            retry_after_seconds=_RETRY_STREAM_SECONDS,
        )

    async def _take(self, client: Client) -> None:
        try:
            await self._store.take(client.client_id, client.quota)
        except QuotaExceeded:
            self._count_refusal()
            raise

    async def _count(self, client: Client, authorized: Authorized) -> None:
        # A task of its own: who leaves or is cut at this moment has had the answer all the same.
        counting = asyncio.create_task(self._count_tokens(client, authorized))
        self._counting.add(counting)
        counting.add_done_callback(self._counting.discard)
        await asyncio.shield(counting)

    async def _count_tokens(self, client: Client, authorized: Authorized) -> None:
        tokens = authorized.tally.tokens(request_bytes=len(authorized.upstream_request.body))
        # The answer is out; a store that cannot count refuses the next call.
        with suppress(StoreUnavailable):
            if tokens:
                await self._store.count_tokens(client.client_id, client.quota, tokens)


def _without_tokens(client: Client) -> Client:
    """Return *client* as if its tokens had no quota."""
    quota = replace(client.quota, tokens_per_minute=None, tokens_per_day=None)
    return replace(client, quota=quota)
