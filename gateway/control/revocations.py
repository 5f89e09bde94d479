"""Revocations: withdraw a token, all tokens of a client, or a key, before their time.

A revocation is durable and counts in this process before the call returns, and in every other
process within a second.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from gateway.control.actors import Actor, verify_actor, verify_may_write
from gateway.control.keys import Keys
from gateway.control.revocation_entries import LONGEST_USE, client_revocation
from gateway.control.snapshot import SnapshotHolder
from gateway.core.errors import MalformedRequest, NotFound
from gateway.core.policy import Permission
from gateway.core.ports import Clock, ControlStore
from gateway.core.registry import Revocation, RevocationKind

_MAX_JTI_CHARS = 128


class RevocationList:
    """The use cases around revocations.

    Every method raises ``PermissionDenied`` for an actor without the right and ``StoreUnavailable``
    when the store does not answer.
    """

    def __init__(
        self, store: ControlStore, snapshots: SnapshotHolder, *, keys: Keys, clock: Clock
    ) -> None:
        self._store = store
        self._snapshots = snapshots
        self._keys = keys
        self._clock = clock

    async def revoke(self, actor: Actor, kind: RevocationKind, *, subject: str) -> Revocation:
        """Withdraw what *subject* names. Withdrawing twice is no error.

        Raises ``NotFound`` for an unknown client or key, and ``PermissionDenied`` for a client that
        the actor may not write: an operator cannot lock the owners out. A ``jti`` is taken as it
        is: the gateway keeps no list of the tokens it issued.
        """
        verify_actor(actor, Permission.WRITE_REVOCATIONS)
        now = self._clock()
        if kind is RevocationKind.KID:
            return await self._keys.withdraw(actor, subject)
        if kind is RevocationKind.CLIENT_ID:
            return await self._revoke_client(actor, subject, at=now)
        if not 0 < len(subject) <= _MAX_JTI_CHARS:
            raise MalformedRequest("A token identifier has 1 to 128 characters.")
        entry = Revocation(kind, subject, revoked_at=now, expires_at=now + LONGEST_USE)
        await self._add(entry)
        return entry

    async def list_page(
        self, actor: Actor, *, skip: int = 0, limit: int = 50
    ) -> Sequence[Revocation]:
        """Return up to *limit* revocations that still count, oldest first."""
        verify_actor(actor, Permission.READ_REVOCATIONS)
        state = await self._store.load()
        return state.revocations[skip : skip + limit]

    async def forget_expired(self) -> int:
        """Drop the revocations that can refuse nothing any more; return how many.

        Background task.
        """
        now = self._clock()
        state = await self._store.load()
        if not any(r.expires_at is not None and r.expires_at <= now for r in state.revocations):
            return 0  # a transaction would grow the revision and make every process reload
        async with self._store.change() as change:
            removed = await change.remove_expired_revocations(now=now)
        await self._snapshots.refresh()
        return removed

    async def _revoke_client(self, actor: Actor, client_id: str, *, at: datetime) -> Revocation:
        entry = client_revocation(client_id, at=at)
        async with self._store.change() as change:
            stored = await change.find_client(client_id)
            if stored is None:
                raise NotFound
            verify_may_write(actor, stored.client.role)
            await change.add_revocation(entry)
        await self._snapshots.refresh()
        return entry

    async def _add(self, entry: Revocation) -> None:
        async with self._store.change() as change:
            await change.add_revocation(entry)
        await self._snapshots.refresh()
