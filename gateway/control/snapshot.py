"""Builds what the data plane checks against, and keeps it fresh.

A change made in this process counts before its use case answers; one made by another process (the
command line, another host) counts within a second, because the store's revision is compared four
times a second, and at once where the store tells of changes.
While the store cannot be read, the last snapshot is good for five seconds; then nothing is.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.control.key_material import (
    ALGORITHMS,
    derive_nonce_key,
    load_conversation_keys,
    load_document_key,
    load_encryption_key,
    load_signing_key,
    load_verification_key,
    wrapped_private,
)
from gateway.core.conversation import ConversationKeys
from gateway.core.dpop import DpopNonces
from gateway.core.errors import StoreUnavailable
from gateway.core.grants import DataClass
from gateway.core.jwk import to_jwk
from gateway.core.keyring import USABLE, KeyState, KeyUse, StoredKey
from gateway.core.ohttp_keys import RecipientKey, encode_key_list
from gateway.core.policy import HERE_ONLY, ModelPolicy, Revocations, Snapshot
from gateway.core.ports import ControlStore, KeyWrap
from gateway.core.registry import EVERYTHING_SUBJECT, ControlState, Revocation, RevocationKind
from gateway.core.request_limits import DEFAULTS, RequestLimits
from gateway.core.scrub_rules import SILENT, ScrubRules
from gateway.core.tokens import SigningPrivateKey

WATCH_INTERVAL_SECONDS: Final = 0.25
MAX_STALENESS_SECONDS: Final = 5.0

MonotonicClock = Callable[[], float]
"""Seconds that never jump, so a wrong wall clock neither stretches nor ends a snapshot's life."""

Pause = Callable[[float], Awaitable[None]]
"""Waits for so many seconds, or until the store may have changed. Raises nothing."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The key that signs new access tokens."""

    kid: str
    private: SigningPrivateKey


@dataclass(frozen=True, slots=True)
class DocumentState:
    """What a key document is made of: all encryption keys, their number, and who signs."""

    seq: int
    keys: tuple[StoredKey, ...]
    signing_key: Ed25519PrivateKey = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Loaded:
    snapshot: Snapshot
    signing_key: SigningKey | None
    nonces: DpopNonces | None
    jwks: tuple[Mapping[str, str], ...]
    document: DocumentState | None
    next_activation: datetime | None


@dataclass(frozen=True, slots=True)
class Policies:
    """What the configuration says: models, where data may go, form of values, limits."""

    models: Mapping[str, ModelPolicy] = field(default_factory=lambda: MappingProxyType({}))
    locations: Mapping[DataClass, frozenset[str]] = field(default_factory=lambda: HERE_ONLY)
    scrubbing: ScrubRules = SILENT
    request_limits: RequestLimits = DEFAULTS


class SnapshotHolder:
    """The current snapshot, and the private keys that go with it. A ``SnapshotFeed``.

    Private halves are unwrapped once and kept in memory until their key is destroyed or revoked.
    """

    def __init__(
        self,
        store: ControlStore,
        key_wrap: KeyWrap,
        *,
        policies: Policies,
        monotonic: MonotonicClock = time.monotonic,
        pause: Pause = asyncio.sleep,
    ) -> None:
        self._pause = pause
        self._store = store
        self._key_wrap = key_wrap
        self._policies = policies
        self._monotonic = monotonic
        self._lock = asyncio.Lock()
        self._loaded: _Loaded | None = None
        self._read_at = float("-inf")
        self._signing_keys: dict[str, SigningPrivateKey] = {}
        self._document_keys: dict[str, Ed25519PrivateKey] = {}
        self._nonce_keys: dict[str, bytes] = {}
        self._recipient_keys: dict[str, RecipientKey] = {}
        self._conversation_keys: dict[str, ConversationKeys] = {}
        self._news = asyncio.Event()  # set when the snapshot is replaced, then replaced itself

    def current(self) -> Snapshot:
        """Return the newest snapshot. Raises ``StoreUnavailable`` when it may be out of date."""
        return self._trusted().snapshot

    def signing_key(self) -> SigningKey:
        """Return the active signing key. Raises ``StoreUnavailable`` when there is none."""
        key = self._trusted().signing_key
        if key is None:
            raise StoreUnavailable("The gateway has no signing key yet.")
        return key

    def dpop_nonces(self) -> DpopNonces:
        """Return what issues and verifies DPoP nonces; every process has the same.

        Raises ``StoreUnavailable`` when there is no signing key to derive them from.
        """
        nonces = self._trusted().nonces
        if nonces is None:
            raise StoreUnavailable("The gateway has no signing key yet.")
        return nonces

    def jwks(self) -> tuple[Mapping[str, str], ...]:
        """Return the public keys that verify our access tokens, as JWKs (RFC 7517 §5)."""
        return self._trusted().jwks

    def document_state(self) -> DocumentState:
        """Return what the key document is made of; the same object until the keys change.

        Raises ``StoreUnavailable`` when there is no key to sign it with.
        """
        document = self._trusted().document
        if document is None:
            raise StoreUnavailable("The gateway has no document key yet.")
        return document

    def next_activation(self) -> datetime | None:
        """Return when the first pending key may be published, or None when there is none."""
        return None if self._loaded is None else self._loaded.next_activation

    async def changed(self, revision: int) -> Snapshot:
        """Return the newest snapshot once it is another than that of *revision*.

        While the store is away nothing changes, so callers who must not run on for ever ask
        :meth:`current` too.
        """
        while self._loaded is None or self._loaded.snapshot.revision == revision:
            await self._news.wait()
        return self._loaded.snapshot

    async def refresh(self, policies: Policies | None = None) -> None:
        """Load the store's state and swap it in, under *policies* from now on if they are given.

        Raises ``StoreUnavailable``; what was before stays.
        """
        async with self._lock:
            began = self._monotonic()
            state = await self._store.load()
            await self._unwrap_new(state.keys)
            self._policies = policies or self._policies
            self._swap(self._build(state))
            # The state is at least as new as the moment the reading began, no newer is certain.
            self._read_at = began

    async def catch_up(self) -> None:
        """Load the state after a change of ours, which is durable whatever happens here.

        If the store does not answer now, nothing is trusted until it has been read again: the
        change must not go unheeded in the very process that made it.
        """
        try:
            await self.refresh()
        except StoreUnavailable:
            self._read_at = float("-inf")

    async def check(self) -> None:
        """Reload if the store has changed since; otherwise note that nothing has.

        Raises ``StoreUnavailable``.
        """
        # Locked: an answer of before a change of ours must not renew the trust that it ended.
        async with self._lock:
            began = self._monotonic()
            revision = await self._store.revision()
            if self._loaded is not None and revision == self._loaded.snapshot.revision:
                self._read_at = began
                return
        await self.refresh()

    async def watch(self) -> None:
        """Check again and again until cancelled. A store that is away is asked again."""
        while True:
            with suppress(StoreUnavailable):  # current() says so once the snapshot is too old
                await self.check()
            await self._pause(WATCH_INTERVAL_SECONDS)

    def _swap(self, loaded: _Loaded) -> None:
        old, self._loaded = self._loaded, loaded
        if old is None or old.snapshot.revision != loaded.snapshot.revision:
            news, self._news = self._news, asyncio.Event()
            news.set()

    def _trusted(self) -> _Loaded:
        age_seconds = self._monotonic() - self._read_at
        if self._loaded is None or age_seconds > MAX_STALENESS_SECONDS:
            raise StoreUnavailable
        return self._loaded

    async def _unwrap_new(self, keys: Iterable[StoredKey]) -> None:
        usable = {key.kid: key for key in keys if key.state in USABLE}
        holders: tuple[dict[str, Any], ...] = (
            self._signing_keys,
            self._nonce_keys,
            self._document_keys,
            self._recipient_keys,
            self._conversation_keys,
        )
        held = {kid for holder in holders for kid in holder}
        for kid in held - usable.keys():
            for holder in holders:
                holder.pop(kid, None)
        for kid in usable.keys() - held:
            await self._unwrap(usable[kid])

    async def _unwrap(self, key: StoredKey) -> None:
        private = await self._key_wrap.unwrap(wrapped_private(key), kid=key.kid)
        if key.use is KeyUse.ENCRYPTION:
            self._recipient_keys[key.kid] = load_encryption_key(key, private)
        elif key.use is KeyUse.DOCUMENT:
            self._document_keys[key.kid] = load_document_key(private)
        elif key.use is KeyUse.PSEUDONYM:
            self._conversation_keys[key.kid] = load_conversation_keys(private)
        else:
            self._signing_keys[key.kid] = load_signing_key(key.algorithm, private)
            self._nonce_keys[key.kid] = derive_nonce_key(private)

    def _build(self, state: ControlState) -> _Loaded:
        signing = _usable(state.keys, KeyUse.SIGNING)
        active = _find_active(signing)
        signing_key = None
        if active is not None:
            signing_key = SigningKey(active.kid, self._signing_keys[active.kid])
        pending = [key for key in state.keys if key.state is KeyState.PENDING]
        return _Loaded(
            snapshot=self._snapshot(state, signing),
            signing_key=signing_key,
            nonces=self._nonces(signing),
            jwks=tuple(to_jwk(load_verification_key(key)) for key in signing),
            document=self._document(state),
            next_activation=min((k.activates_at or k.created_at for k in pending), default=None),
        )

    def _nonces(self, signing: Sequence[StoredKey]) -> DpopNonces | None:
        """Nonces are issued with the active key, and known by all that are still good."""
        ranked = sorted(signing, key=lambda key: key.state is KeyState.ACTIVE, reverse=True)
        return DpopNonces([self._nonce_keys[key.kid] for key in ranked]) if ranked else None

    def _snapshot(self, state: ControlState, signing: Sequence[StoredKey]) -> Snapshot:
        encryption = _usable(state.keys, KeyUse.ENCRYPTION)
        recipients = {key.kid: self._recipient_keys[key.kid] for key in encryption}
        clients = {stored.client.client_id: stored.client for stored in state.clients}
        return Snapshot(
            revision=state.revision,
            clients=MappingProxyType(clients),
            models=self._policies.models,
            verification_keys=MappingProxyType(
                {key.kid: load_verification_key(key) for key in signing}
            ),
            recipient_keys=MappingProxyType({key.key_id: key for key in recipients.values()}),
            recipient_kids=MappingProxyType({key.key_id: kid for kid, key in recipients.items()}),
            key_configurations=encode_key_list(
                recipients[key.kid].config
                for algorithm in ALGORITHMS[KeyUse.ENCRYPTION]
                for key in encryption
                if key.state is KeyState.ACTIVE and key.algorithm is algorithm
            ),
            cut_key_ids=frozenset(
                key.kid for key in state.keys if key.state is KeyState.REVOKED and not key.drain
            ),
            revocations=_revocations(state.revocations),
            locations=self._policies.locations,
            scrubbing=self._policies.scrubbing,
            conversation_keys=self._conversations(state.keys),
            drained_backends=state.drained_backends,
            request_limits=self._policies.request_limits,
        )

    def _conversations(self, keys: Iterable[StoredKey]) -> ConversationKeys | None:
        active = _find_active(_usable(keys, KeyUse.PSEUDONYM))
        return None if active is None else self._conversation_keys[active.kid]

    def _document(self, state: ControlState) -> DocumentState | None:
        active = _find_active(_usable(state.keys, KeyUse.DOCUMENT))
        if active is None:
            return None
        document = DocumentState(
            seq=state.document_seq,
            keys=tuple(key for key in state.keys if key.use is KeyUse.ENCRYPTION),
            signing_key=self._document_keys[active.kid],
        )
        old = None if self._loaded is None else self._loaded.document
        return old if old == document else document


def _usable(keys: Iterable[StoredKey], use: KeyUse) -> list[StoredKey]:
    return [key for key in keys if key.use is use and key.state in USABLE]


def _find_active(keys: Iterable[StoredKey]) -> StoredKey | None:
    return next((key for key in keys if key.state is KeyState.ACTIVE), None)


def _revocations(entries: Iterable[Revocation]) -> Revocations:
    cuts: dict[RevocationKind, dict[str, datetime]] = {kind: {} for kind in RevocationKind}
    for entry in entries:
        cuts[entry.kind][entry.subject] = entry.revoked_at
    return Revocations(
        jtis=frozenset(cuts[RevocationKind.JTI]),
        kids=frozenset(cuts[RevocationKind.KID]),
        clients=MappingProxyType(cuts[RevocationKind.CLIENT_ID]),
        credentials=MappingProxyType(cuts[RevocationKind.CREDENTIAL_ID]),
        roles=MappingProxyType(cuts[RevocationKind.ROLE]),
        everything=cuts[RevocationKind.EVERYTHING].get(EVERYTHING_SUBJECT),
    )
