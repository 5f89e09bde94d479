"""When each permission was last used."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date

import pytest

from gateway.backends.memory import MemoryStore
from gateway.control.permission_uses import PermissionUses
from gateway.core.errors import StoreUnavailable
from gateway.core.identity import Client, Role
from gateway.core.registry import PermissionUse, StoredClient
from tests.fakes.control import FakeClock


class CountingStore(MemoryStore):
    """A store that counts batches, and may be lost."""

    batches = 0
    lost = False

    async def record_uses(self, uses: Sequence[PermissionUse]) -> None:
        """Count, then remember."""
        if self.lost:
            raise StoreUnavailable
        self.batches += 1
        await super().record_uses(uses)


async def make(clock: FakeClock) -> tuple[CountingStore, PermissionUses]:
    store = CountingStore()
    async with store.change() as change:
        await change.add_client(StoredClient(Client("c", Role.OPERATOR), clock(), clock()))
    return store, PermissionUses(store, clock)


async def days(store: MemoryStore) -> dict[str, date | None]:
    uses = await store.list_permission_uses(after=("", ""), limit=99)
    return {use.permission: use.last_used_on for use in uses}


async def test_many_uses_of_a_day_are_one_write(clock: FakeClock) -> None:
    """A thousand uses cost one row in one batch, and the next batch nothing."""
    store, uses = await make(clock)
    for _ in range(1000):
        uses.note("c", "a")
    await uses.write()
    uses.note("c", "a")
    await uses.write()
    assert store.batches == 1
    assert await days(store) == {"a": clock().date()}


async def test_next_day_is_written_again(clock: FakeClock) -> None:
    """The last day of use moves on, also when two days wait in one batch."""
    store, uses = await make(clock)
    uses.note("c", "a")
    clock.advance(days=1)
    uses.note("c", "a")
    await uses.write()
    assert await days(store) == {"a": clock().date()}


async def test_lost_store_loses_no_use(clock: FakeClock) -> None:
    """What could not be written is written with the next batch."""
    store, uses = await make(clock)
    uses.note("c", "a")
    store.lost = True
    with pytest.raises(StoreUnavailable):
        await uses.write()
    store.lost = False
    uses.note("c", "b")
    await uses.write()
    assert await days(store) == {"a": clock().date(), "b": clock().date()}


async def test_two_writes_at_once_lose_no_use(clock: FakeClock) -> None:
    """What is noted while two tasks write is still there for the next batch."""
    store, uses = await make(clock)
    remember, go_on = store.record_uses, asyncio.Event()

    async def record_slowly(batch: Sequence[PermissionUse]) -> None:
        await go_on.wait()
        await remember(batch)

    store.record_uses = record_slowly  # type: ignore[method-assign]
    uses.note("c", "a")
    both = [asyncio.create_task(uses.write()) for _ in range(2)]
    await asyncio.sleep(0)
    uses.note("c", "b")
    go_on.set()
    await asyncio.gather(*both)
    await uses.write()
    assert await days(store) == {"a": clock().date(), "b": clock().date()}
