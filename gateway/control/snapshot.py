"""Builds what the data plane checks against, and keeps it fresh.

A change made in this process counts before its use case answers; one made by another process (the
command line) counts within a second, because the store's revision is compared four times a second.
While the store cannot be read, the last snapshot is good for five seconds; then nothing is.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from gateway.control.key_material import load_encryption_key, load_signing_key, public_jwk
from gateway.core.errors import StoreUnavailable
from gateway.core.keyring import USABLE, KeyState, KeyUse, StoredKey
from gateway.core.ohttp_keys import RecipientKey, encode_key_list
from gateway.core.policy import ModelPolicy, Revocations, Snapshot
from gateway.core.ports import ControlStore, KeyWrap
from gateway.core.registry import ControlState, Revocation, RevocationKind

WATCH_INTERVAL_SECONDS: Final = 0.25
MAX_STALENESS_SECONDS: Final = 5.0

MonotonicClock = Callable[[], float]
"""Seconds that never jump, so a wrong wall clock neither stretches nor ends a snapshot's life."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The key that signs new access tokens."""

    kid: str
    private: Ed25519PrivateKey


@dataclass(frozen=True, slots=True)
class _Loaded:
    snapshot: Snapshot
    signing_key: SigningKey | None
    jwks: tuple[Mapping[str, str], ...]


class SnapshotHolder:
    """The current snapshot, and the private key that goes with it. A ``SnapshotSource``.

    Private halves are unwrapped once and kept in memory until their key is destroyed or revoked.
    """

    def __init__(
        self,
        store: ControlStore,
        key_wrap: KeyWrap,
        *,
        models: Mapping[str, ModelPolicy],
        monotonic: MonotonicClock = time.monotonic,
    ) -> None:
        self._store = store
        self._key_wrap = key_wrap
        self._models = MappingProxyType(dict(models))
        self._monotonic = monotonic
        self._lock = asyncio.Lock()
        self._loaded: _Loaded | None = None
        self._read_at = float("-inf")
        self._signing_keys: dict[str, Ed25519PrivateKey] = {}
        self._recipient_keys: dict[str, RecipientKey] = {}

    def current(self) -> Snapshot:
        """Return the newest snapshot. Raises ``StoreUnavailable`` when it may be out of date."""
        return self._trusted().snapshot

    def signing_key(self) -> SigningKey:
        """Return the active signing key. Raises ``StoreUnavailable`` when there is none."""
        key = self._trusted().signing_key
        if key is None:
            raise StoreUnavailable("The gateway has no signing key yet.")
        return key

    def jwks(self) -> tuple[Mapping[str, str], ...]:
        """Return the public keys that verify our access tokens, as JWKs (RFC 7517 §5)."""
        return self._trusted().jwks

    async def refresh(self) -> None:
        """Load the store's state and swap it in. Raises ``StoreUnavailable``; the old one stays."""
        async with self._lock:
            began = self._monotonic()
            state = await self._store.load()
            await self._unwrap_new(state.keys)
            self._loaded = self._build(state)
            # The state is at least as new as the moment the reading began, no newer is certain.
            self._read_at = began

    async def check(self) -> None:
        """Reload if the store has changed since; otherwise note that nothing has.

        Raises ``StoreUnavailable``.
        """
        began = self._monotonic()
        revision = await self._store.revision()
        if self._loaded is None or revision != self._loaded.snapshot.revision:
            await self.refresh()
        else:
            self._read_at = began

    async def watch(self) -> None:
        """Check again and again until cancelled. A store that is away is asked again."""
        while True:
            with suppress(StoreUnavailable):  # current() says so once the snapshot is too old
                await self.check()
            await asyncio.sleep(WATCH_INTERVAL_SECONDS)

    def _trusted(self) -> _Loaded:
        age_seconds = self._monotonic() - self._read_at
        if self._loaded is None or age_seconds > MAX_STALENESS_SECONDS:
            raise StoreUnavailable
        return self._loaded

    async def _unwrap_new(self, keys: Iterable[StoredKey]) -> None:
        usable = {key.kid: key for key in keys if key.state in USABLE}
        for kid in self._signing_keys.keys() - usable.keys():
            del self._signing_keys[kid]
        for kid in self._recipient_keys.keys() - usable.keys():
            del self._recipient_keys[kid]
        for kid in usable.keys() - self._signing_keys.keys() - self._recipient_keys.keys():
            await self._unwrap(usable[kid])

    async def _unwrap(self, key: StoredKey) -> None:
        if key.wrapped_private is None:
            raise StoreUnavailable("The store holds a usable key without its private half.")
        private = await self._key_wrap.unwrap(key.wrapped_private, kid=key.kid)
        if key.use is KeyUse.SIGNING:
            self._signing_keys[key.kid] = load_signing_key(private)
        else:
            self._recipient_keys[key.kid] = load_encryption_key(key, private)

    def _build(self, state: ControlState) -> _Loaded:
        signing = [k for k in state.keys if k.use is KeyUse.SIGNING and k.state in USABLE]
        encryption = [k for k in state.keys if k.use is KeyUse.ENCRYPTION and k.state in USABLE]
        offered = [k for k in encryption if k.state is KeyState.ACTIVE]
        active = next((k for k in signing if k.state is KeyState.ACTIVE), None)
        recipients = {key.kid: self._recipient_keys[key.kid] for key in encryption}
        clients = {stored.client.client_id: stored.client for stored in state.clients}
        snapshot = Snapshot(
            revision=state.revision,
            clients=MappingProxyType(clients),
            models=self._models,
            verification_keys=MappingProxyType(
                {key.kid: Ed25519PublicKey.from_public_bytes(key.public) for key in signing}
            ),
            recipient_keys=MappingProxyType({key.key_id: key for key in recipients.values()}),
            key_configurations=encode_key_list(recipients[key.kid].config for key in offered),
            revocations=_revocations(state.revocations),
        )
        signing_key = None
        if active is not None:
            signing_key = SigningKey(active.kid, self._signing_keys[active.kid])
        return _Loaded(snapshot, signing_key, tuple(public_jwk(key) for key in signing))


def _revocations(entries: Iterable[Revocation]) -> Revocations:
    by_kind: dict[RevocationKind, dict[str, Revocation]] = {kind: {} for kind in RevocationKind}
    for entry in entries:
        by_kind[entry.kind][entry.subject] = entry
    clients = by_kind[RevocationKind.CLIENT_ID].values()
    return Revocations(
        jtis=frozenset(by_kind[RevocationKind.JTI]),
        kids=frozenset(by_kind[RevocationKind.KID]),
        not_before=MappingProxyType({entry.subject: entry.revoked_at for entry in clients}),
    )
