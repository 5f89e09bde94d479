"""The store in memory, besides its contract: a snapshot read is not changed by a later change."""

from __future__ import annotations

from datetime import UTC, datetime

from gateway.backends.memory import MemoryStore
from gateway.core.registry import Revocation, RevocationKind


async def test_loaded_state_stays_as_it_was() -> None:
    """What load() returned does not grow with the store."""
    store = MemoryStore()
    state = await store.load()
    async with store.change() as change:
        moment = datetime(2026, 11, 23, tzinfo=UTC)
        await change.add_revocation(Revocation(RevocationKind.JTI, "j", moment, None))
    assert state.revocations == ()
    await store.close()
