"""Replay stores that write together the claims which wait at the same time, wherever the tags are.

So a request does not pay for a transaction or a round trip of its own, and a burst is one write. Of
equal claims, in whatever process, the table lets one through.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple, Protocol

from gateway.core.errors import Replayed, StoreUnavailable
from gateway.core.ports import Clock

_ANSWER_SECONDS: Final = 0.9  # a caller hears within a second, whatever the table does
_LOOKS: Final = 9
"""Waits that make up that time. A loop that is late, for a burst of requests or for want of the
processor, uses up one of them however late it is: that time is not the table's."""
_MAX_BATCH: Final = 512
_MAX_WAITING: Final = 8192
_FORGOTTEN_AT_LEAST: Final = 16  # with twice as many as were claimed, so the table cannot grow


class TagClaim(NamedTuple):
    """A tag, until when it is claimed (seconds since 1970), and where the outcome goes."""

    tag: bytes
    until_seconds: int
    answer: asyncio.Future[bool]


class TagTable(Protocol):
    """A table of tags that several processes share."""

    async def insert(
        self, claims: Sequence[TagClaim], *, now: int, forget_at_most: int
    ) -> list[bool]:
        """Write *claims* in one transaction; return which were new.

        A tag whose time was over before *now* is new again; up to *forget_at_most* of those go.
        Raises ``StoreUnavailable`` when it is not known which were written.
        """

    async def close(self) -> None:
        """Give everything back."""


class BatchedReplayStore:
    """A ``ReplayStore`` in a table of tags. Belongs to one event loop."""

    def __init__(self, table: TagTable, clock: Clock) -> None:
        self._table = table
        self._clock = clock
        self._waiting: list[TagClaim] = []
        self._flush: asyncio.Task[None] | None = None

    async def claim(self, tag: bytes, *, until: datetime) -> None:
        """Remember *tag*. Raises ``Replayed``, and ``StoreUnavailable`` within a second.

        That second is the table's: while the event loop is late nobody is given up.

        A claim whose caller gave up may still be written: nothing passes because of that.
        """
        if len(self._waiting) >= _MAX_WAITING:
            raise StoreUnavailable
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append(TagClaim(tag, math.ceil(until.timestamp()), answer))
        if self._flush is None:
            self._flush = asyncio.create_task(self._write_all())
        try:
            for _ in range(_LOOKS):
                await asyncio.wait({answer}, timeout=_ANSWER_SECONDS / _LOOKS)
                if answer.done():
                    break
            else:
                raise StoreUnavailable
            is_new = answer.result()
        finally:
            answer.cancel()  # whoever gave up hears nothing more
        if not is_new:
            raise Replayed

    async def close(self) -> None:
        """Write what waits, then close the table."""
        if self._flush is not None:
            await asyncio.wait({self._flush})
        await self._table.close()

    async def _write_all(self) -> None:
        batch: list[TagClaim] = []
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:_MAX_BATCH], self._waiting[_MAX_BATCH:]
                _answer(batch, await self._write(batch))
        finally:
            # After any fault nobody is left waiting, and the next claim begins afresh.
            self._flush = None
            left, self._waiting = [*batch, *self._waiting], []
            _answer(left, None)

    async def _write(self, batch: Sequence[TagClaim]) -> list[bool] | None:
        now = math.floor(self._clock().timestamp())
        forget_at_most = _FORGOTTEN_AT_LEAST + 2 * len(batch)
        try:
            return await self._table.insert(batch, now=now, forget_at_most=forget_at_most)
        except StoreUnavailable:
            return None


def _answer(claims: Sequence[TagClaim], outcome: Sequence[bool] | None) -> None:
    """Tell the callers that did not give up which claims were new, or that it is not known."""
    for position, claim in enumerate(claims):
        if claim.answer.done():
            continue
        if outcome is None:
            claim.answer.set_exception(StoreUnavailable())
        else:
            claim.answer.set_result(outcome[position])
