"""Keys: make the first ones, rotate with overlap, revoke at once, destroy what is over.

A new encryption key is pending at first: every process can open with it before any client hears of
it. A new signing key is pending too, and published: whoever verifies tokens knows it before the
first one that it signs. A rotated key is still accepted for the overlap of its use, then its
private half is deleted. A revoked key loses its private half in the transaction that revokes it,
and another active key takes its place in the same one, or as soon as it can be wrapped. Each change
of an encryption key raises the number of the key document.

The key that signs the document is never rotated by itself, since clients pin it: rotate it only
together with handing out the new pin.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from types import MappingProxyType
from typing import Final

from gateway.control.actors import Actor, System
from gateway.control.acts import Act, Action, Acts
from gateway.control.fresh_keys import Blank, FreshKeys
from gateway.control.key_rules import KeyRules
from gateway.control.revocation_entries import key_revocation
from gateway.core.errors import Conflict, KeyServiceUnavailable, NotFound
from gateway.core.keyring import TRANSITIONS, KeyAlgorithm, KeyState, KeyUse, StoredKey, next_key_id
from gateway.core.policy import Permission
from gateway.core.ports import ControlChange, KeyWrap
from gateway.core.registry import Revocation

_PAGE: Final = 200

_ACTIONS: Final = MappingProxyType(
    {
        KeyState.PENDING: Action.CREATE_KEY,
        KeyState.ACTIVE: Action.ACTIVATE_KEY,
        KeyState.RETIRING: Action.RETIRE_KEY,
        KeyState.DESTROYED: Action.DESTROY_KEY,
        KeyState.REVOKED: Action.REVOKE_KEY,
    }
)
"""What a key went through when it is found in a state."""


class Keys:
    """The use cases around keys.

    Methods that take an actor raise ``PermissionDenied`` for one without the right; all raise
    ``StoreUnavailable`` when the store or the key wrap does not answer, with nothing changed.
    """

    def __init__(
        self,
        acts: Acts,
        *,
        key_wrap: KeyWrap,
        rules: KeyRules,
    ) -> None:
        self._store = acts.store
        self._acts = acts
        self._snapshots = acts.snapshots
        self._key_wrap = key_wrap
        self._clock = acts.clock
        self._rules = rules

    async def ensure_first(self) -> None:
        """Make the active keys that are missing. Run at start; two processes make one set."""
        state = await self._store.load()
        if any(self._missing(use, state.keys) for use in KeyUse):
            await self._fill_all()
        await self._snapshots.refresh()

    async def rotate(self, actor: Actor, use: KeyUse) -> Sequence[StoredKey]:
        """Make a new key of each algorithm of *use*; return them. Two at once return the same keys.

        The document key is active at once. The others are pending; ``activates_at`` says when the
        running gateway takes them into use, and until then a further rotation returns the same
        ones, with a new one in the place of each that was revoked.
        The old keys retire when the new ones become active. Raises ``Conflict`` when all key
        identifiers are in use or resting.
        """
        seen = _in_state((await self._store.load()).keys, use, KeyState.ACTIVE)
        return await self._rotate(actor, use, seen={key.kid for key in seen})

    async def document_pin(self, actor: Actor) -> bytes:
        """Return the raw Ed25519 public key that clients pin.

        Raises ``NotFound`` before the first keys were made.
        """
        self._acts.verify(actor, Permission.READ_KEYS)
        keys = (await self._store.load()).keys
        active = _in_state(keys, KeyUse.DOCUMENT, KeyState.ACTIVE)
        if not active:
            raise NotFound("The gateway has no document key yet.")
        return active[0].public

    async def revoke(self, actor: Actor, kid: str, *, drain: bool = False) -> StoredKey:
        """Withdraw a key now; return it. If it was active, another one takes its place.

        New requests are refused at once. Running streams are cut, because whoever holds a stolen
        key can read them; with *drain* they may finish. Raises ``NotFound``, and ``Conflict`` for a
        key that is already destroyed. Revoking twice changes nothing, except that the second time
        without *drain* takes that leave back.
        """
        key, _ = await self._withdraw(actor, Permission.WRITE_KEYS, kid, drain=drain)
        return key

    async def withdraw(self, actor: Actor, kid: str, *, drain: bool = False) -> Revocation:
        """Do what :meth:`revoke` does for an actor who writes revocations; return the entry."""
        permission = Permission.WRITE_REVOCATIONS
        _, entry = await self._withdraw(actor, permission, kid, drain=drain)
        return entry

    async def list_page(
        self, actor: Actor, *, after: str = "", limit: int = 50
    ) -> Sequence[StoredKey]:
        """Return up to *limit* keys that were created after the one named *after*, in that order.

        Destroyed and revoked ones are included.
        """
        self._acts.verify(actor, Permission.READ_KEYS)
        return await self._store.list_keys(after=after, limit=limit)

    async def list_all(self, actor: Actor) -> Sequence[StoredKey]:
        """Return all keys, page by page. For the command line."""
        found: list[StoredKey] = []
        after = ""
        while page := await self.list_page(actor, after=after, limit=_PAGE):
            found += page
            after = page[-1].kid
        return found

    async def activate_due(self) -> None:
        """Activate pending keys whose time has come; their predecessors retire. Background task.

        Asks the snapshot, so it costs nothing while there is no such key.
        """
        due = self._snapshots.next_activation()
        now = self._clock()
        if due is None or now < due:
            return
        act = Act(Action.ROTATE_KEYS, "due")
        async with self._change(System(), Permission.WRITE_KEYS, act) as change:
            for key in await change.list_keys():
                if _is_due(key, now):
                    await self._activate(change, key, now=now)

    async def maintain(self) -> None:
        """Destroy keys whose overlap is over; rotate those that are old or not as configured.

        Make active keys that are missing, too. Background task.
        """
        now = self._clock()
        keys = (await self._store.load()).keys
        if any(_is_over(key, now) for key in keys):
            await self._destroy_over(now)
        if any(self._missing(use, keys) for use in KeyUse):
            await self._fill_all()
        for use in self._rules.rotate_after:
            active = _in_state(keys, use, KeyState.ACTIVE)
            if any(self._is_old(key, now) for key in active):
                await self._rotate(System(), use, seen={key.kid for key in active})

    async def _rotate(self, actor: Actor, use: KeyUse, *, seen: set[str]) -> Sequence[StoredKey]:
        """Rotate each algorithm unless somebody else just did.

        Then a pending key of it is there to tell, or an active one that is not among *seen*.
        """
        fresh = FreshKeys(self._key_wrap, now=self._clock())
        act = Act(Action.ROTATE_KEYS, use.value)

        async def rotate() -> Sequence[StoredKey]:
            async with self._change(actor, Permission.WRITE_KEYS, act) as change:
                keys = await change.list_keys()
                active = _in_state(keys, use, KeyState.ACTIVE)
                others = [key for key in active if key.kid not in seen]
                others += _in_state(keys, use, KeyState.PENDING)
                found = {key.algorithm: key for key in others}
                return [
                    found.get(algorithm)
                    or await self._replace(change, fresh, use=use, algorithm=algorithm)
                    for algorithm in self._rules.algorithms(use)
                ]

        return await fresh.complete(rotate)

    async def _replace(
        self, change: ControlChange, fresh: FreshKeys, *, use: KeyUse, algorithm: KeyAlgorithm
    ) -> StoredKey:
        key = await self._add(change, fresh, use=use, algorithm=algorithm)
        is_due = _is_due(key, fresh.now)
        return await self._activate(change, key, now=fresh.now) if is_due else key

    async def _withdraw(
        self, actor: Actor, permission: Permission, kid: str, *, drain: bool
    ) -> tuple[StoredKey, Revocation]:
        fresh = FreshKeys(self._key_wrap, now=self._clock())
        act = Act(Action.REVOKE_KEY, kid, "drain" if drain else "")

        async def withdraw() -> tuple[StoredKey, Revocation]:
            async with self._change(actor, permission, act) as change:
                key = next((key for key in await change.list_keys() if key.kid == kid), None)
                if key is None:
                    raise NotFound
                revoked = key.revoked(at=fresh.now, drain=drain)
                if revoked != key:
                    await _save(change, revoked)
                entry = key_revocation(kid, at=revoked.revoked_at or fresh.now)
                await change.add_revocation(entry)
                # Neither that all identifiers are used up nor that no key can be wrapped now must
                # keep a stolen key in use.
                with suppress(Conflict, KeyServiceUnavailable):
                    await self._fill(change, fresh, key.use)
            return revoked, entry

        return await fresh.complete(withdraw)

    async def _fill_all(self) -> None:
        fresh = FreshKeys(self._key_wrap, now=self._clock())

        async def fill() -> None:
            act = Act(Action.ROTATE_KEYS, "missing")
            async with self._change(System(), Permission.WRITE_KEYS, act) as change:
                for use in KeyUse:
                    await self._fill(change, fresh, use)

        await fresh.complete(fill)

    async def _destroy_over(self, now: datetime) -> None:
        act = Act(Action.DESTROY_KEY, "retired")
        async with self._change(System(), Permission.WRITE_KEYS, act) as change:
            for key in await change.list_keys():
                if _is_over(key, now):
                    await _save(change, key.destroyed())

    @asynccontextmanager
    async def _change(
        self, actor: Actor, permission: Permission, act: Act
    ) -> AsyncIterator[ControlChange]:
        """Open a transaction for *act*; each key that is in another state after it gets a row."""
        async with self._acts.change(actor, permission, act) as change:
            before = {key.kid: key.state for key in await change.list_keys()}
            yield change
            for key in await change.list_keys():
                if key.state is not before.get(key.kid):
                    moved = Act(_ACTIONS[key.state], key.kid, f"{key.use} {key.algorithm}")
                    await self._acts.record(change, actor, moved)

    async def _fill(self, change: ControlChange, fresh: FreshKeys, use: KeyUse) -> None:
        """Make a key of each algorithm of *use* active that has no active one.

        A pending one comes first. Without one a new key is active at once: that another process may
        refuse it for a moment is better than to have none.
        """
        keys = await change.list_keys()
        pending = {key.algorithm: key for key in _in_state(keys, use, KeyState.PENDING)}
        for algorithm in self._missing(use, keys):
            key = pending.get(algorithm)
            if key is None:
                key = await self._add(change, fresh, use=use, algorithm=algorithm)
            await self._activate(change, key, now=fresh.now)

    async def _add(
        self, change: ControlChange, fresh: FreshKeys, *, use: KeyUse, algorithm: KeyAlgorithm
    ) -> StoredKey:
        """Add a pending key to the store; return it."""
        key_id = None
        if use is KeyUse.ENCRYPTION:
            key_id = next_key_id(await change.list_keys(), now=fresh.now)
        key = fresh.take(Blank(use, algorithm, key_id))
        key = key.scheduled(at=fresh.now + self._rules.publish_after[use])
        await change.add_key(key)
        if use is KeyUse.ENCRYPTION:
            await change.raise_document_seq()
        return key

    async def _activate(self, change: ControlChange, key: StoredKey, *, now: datetime) -> StoredKey:
        """Put *key* in the place of the active key of its algorithm; return it as it is then.

        Tokens are signed with one key, so there the one before retires whatever kind it is.
        """
        until = now + self._rules.overlap[key.use]
        for other in _in_state(await change.list_keys(), key.use, KeyState.ACTIVE):
            if other.algorithm is key.algorithm or key.use is KeyUse.SIGNING:
                await _save(change, other.retiring(until=until))
        active = key.activated(at=now)
        await _save(change, active)
        return active

    def _missing(self, use: KeyUse, keys: Sequence[StoredKey]) -> list[KeyAlgorithm]:
        present = {key.algorithm for key in _in_state(keys, use, KeyState.ACTIVE)}
        if use is KeyUse.SIGNING and present:
            return []  # one of another kind goes on until a rotation, which is announced, is over
        return [algorithm for algorithm in self._rules.algorithms(use) if algorithm not in present]

    def _is_old(self, key: StoredKey, now: datetime) -> bool:
        if key.algorithm not in self._rules.algorithms(key.use):
            return True
        limit = now - self._rules.rotate_after[key.use]
        return key.activated_at is not None and key.activated_at <= limit


async def _save(change: ControlChange, key: StoredKey) -> None:
    await change.save_key(key)
    if key.use is KeyUse.ENCRYPTION:
        await change.raise_document_seq()


def _in_state(keys: Sequence[StoredKey], use: KeyUse, state: KeyState) -> list[StoredKey]:
    return [key for key in keys if key.use is use and key.state is state]


def _is_due(key: StoredKey, now: datetime) -> bool:
    if key.state is not KeyState.PENDING:
        return False
    return key.activates_at is None or key.activates_at <= now


def _is_over(key: StoredKey, now: datetime) -> bool:
    may_end = KeyState.DESTROYED in TRANSITIONS[key.state]
    return may_end and key.retires_at is not None and key.retires_at <= now
