"""Keys: make the first ones, rotate with overlap, revoke at once, destroy what is over.

A rotated key is still accepted for the overlap of its use, then its private half is deleted. A
revoked key loses its private half in the transaction that revokes it, and a new active key takes
its place in the same one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType

from gateway.control.actors import Actor, verify_actor
from gateway.control.key_material import ALGORITHMS, create_key
from gateway.control.revocation_entries import key_revocation
from gateway.control.snapshot import SnapshotHolder
from gateway.core.errors import NotFound
from gateway.core.keyring import TRANSITIONS, KeyAlgorithm, KeyState, KeyUse, StoredKey, next_key_id
from gateway.core.policy import Permission
from gateway.core.ports import Clock, ControlChange, ControlStore, KeyWrap
from gateway.core.registry import Revocation
from gateway.core.tokens import MAX_LEEWAY, MAX_LIFETIME


@dataclass(frozen=True, slots=True)
class KeyRules:
    """How long keys are used.

    *overlap* is how long a rotated key of each use is still accepted: for signing, until the last
    token it signed has expired; for encryption, twice the life of a cached key list and the skew of
    a client's clock. *rotate_after* is the age at which the background task rotates by itself.
    """

    overlap: Mapping[KeyUse, timedelta] = field(
        default_factory=lambda: MappingProxyType(
            {
                KeyUse.SIGNING: MAX_LIFETIME + 2 * MAX_LEEWAY,
                KeyUse.ENCRYPTION: 2 * (timedelta(minutes=5) + timedelta(minutes=2)),
            }
        )
    )
    rotate_after: Mapping[KeyUse, timedelta] = field(
        default_factory=lambda: MappingProxyType(
            {KeyUse.SIGNING: timedelta(days=30), KeyUse.ENCRYPTION: timedelta(hours=24)}
        )
    )


class Keys:
    """The use cases around keys.

    Methods that take an actor raise ``PermissionDenied`` for one without the right; all raise
    ``StoreUnavailable`` when the store or the key wrap does not answer, with nothing changed.
    """

    def __init__(
        self,
        store: ControlStore,
        snapshots: SnapshotHolder,
        *,
        key_wrap: KeyWrap,
        clock: Clock,
        rules: KeyRules,
    ) -> None:
        self._store = store
        self._snapshots = snapshots
        self._key_wrap = key_wrap
        self._clock = clock
        self._rules = rules

    async def ensure_first(self) -> None:
        """Make the active keys that are missing. Run at start; two processes make one set."""
        state = await self._store.load()
        if any(_missing(use, state.keys) for use in KeyUse):
            async with self._store.change() as change:
                for use in KeyUse:
                    await self._fill(change, use, now=self._clock())
        await self._snapshots.refresh()

    async def rotate(self, actor: Actor, use: KeyUse) -> Sequence[StoredKey]:
        """Put new active keys in place of those of *use*; return the new ones.

        The old ones are retiring for the overlap. Of two rotations at once, the second finds the
        work done and returns the same new keys.
        """
        verify_actor(actor, Permission.WRITE_KEYS)
        seen = _active((await self._store.load()).keys, use)
        return await self._rotate(use, seen={key.kid for key in seen})

    async def revoke(self, actor: Actor, kid: str) -> StoredKey:
        """Withdraw a key now; return it. If it was active, a new one takes its place.

        Raises ``NotFound``, and ``Conflict`` for a key that is already destroyed. Revoking twice
        changes nothing.
        """
        verify_actor(actor, Permission.WRITE_KEYS)
        key, _ = await self._withdraw(kid)
        return key

    async def withdraw(self, actor: Actor, kid: str) -> Revocation:
        """Do what :meth:`revoke` does for an actor who writes revocations; return the entry."""
        verify_actor(actor, Permission.WRITE_REVOCATIONS)
        _, entry = await self._withdraw(kid)
        return entry

    async def list_all(self, actor: Actor) -> Sequence[StoredKey]:
        """Return all keys, destroyed and revoked ones included, in the order of their creation."""
        verify_actor(actor, Permission.READ_KEYS)
        return (await self._store.load()).keys

    async def maintain(self) -> None:
        """Destroy keys whose overlap is over and rotate those that are old. Background task."""
        now = self._clock()
        keys = (await self._store.load()).keys
        if any(_is_over(key, now) for key in keys):
            await self._destroy_over(now)
        for use in KeyUse:
            active = _active(keys, use)
            limit = now - self._rules.rotate_after[use]
            if any(key.activated_at is not None and key.activated_at <= limit for key in active):
                await self._rotate(use, seen={key.kid for key in active})

    async def _rotate(self, use: KeyUse, *, seen: set[str]) -> Sequence[StoredKey]:
        """Rotate unless the active keys are others than *seen*: then somebody else just did."""
        now = self._clock()
        async with self._store.change() as change:
            active = _active(await change.list_keys(), use)
            if {key.kid for key in active} == seen:
                until = now + self._rules.overlap[use]
                for key in active:
                    await change.save_key(key.retiring(until=until))
                await self._fill(change, use, now=now)
                active = _active(await change.list_keys(), use)
        await self._snapshots.refresh()
        return active

    async def _withdraw(self, kid: str) -> tuple[StoredKey, Revocation]:
        now = self._clock()
        async with self._store.change() as change:
            key = next((key for key in await change.list_keys() if key.kid == kid), None)
            if key is None:
                raise NotFound
            if key.state is not KeyState.REVOKED:
                key = key.revoked(at=now)
                await change.save_key(key)
            entry = key_revocation(kid, at=key.revoked_at or now)
            await change.add_revocation(entry)
            await self._fill(change, key.use, now=now)
        await self._snapshots.refresh()
        return key, entry

    async def _destroy_over(self, now: datetime) -> None:
        async with self._store.change() as change:
            for key in await change.list_keys():
                if _is_over(key, now):
                    await change.save_key(key.destroyed())
        await self._snapshots.refresh()

    async def _fill(self, change: ControlChange, use: KeyUse, *, now: datetime) -> None:
        """Make an active key of each algorithm of *use* that has none."""
        for algorithm in _missing(use, await change.list_keys()):
            key_id = None
            if use is KeyUse.ENCRYPTION:
                key_id = next_key_id(await change.list_keys(), now=now)
            key = await create_key(algorithm, self._key_wrap, key_id=key_id, now=now)
            await change.add_key(key.activated(at=now))


def _active(keys: Sequence[StoredKey], use: KeyUse) -> list[StoredKey]:
    return [key for key in keys if key.use is use and key.state is KeyState.ACTIVE]


def _missing(use: KeyUse, keys: Sequence[StoredKey]) -> list[KeyAlgorithm]:
    present = {key.algorithm for key in _active(keys, use)}
    return [algorithm for algorithm in ALGORITHMS[use] if algorithm not in present]


def _is_over(key: StoredKey, now: datetime) -> bool:
    may_end = KeyState.DESTROYED in TRANSITIONS[key.state]
    return may_end and key.retires_at is not None and key.retires_at <= now
