"""The life of a key pair: what the store remembers of it and which changes of state are legal.

Pure values: nothing here generates, wraps or reads a key. A private half exists only in wrapped
form, and only until the key is destroyed or revoked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from gateway.core.errors import Conflict


class KeyUse(StrEnum):
    """What a key is for, for all its life. That of pseudonyms is secret as a whole, no pair."""

    SIGNING = "signing"
    ENCRYPTION = "encryption"
    DOCUMENT = "document"
    PSEUDONYM = "pseudonym"


class KeyAlgorithm(StrEnum):
    """What kind of key pair it is. Each use has one active pair of each of its algorithms."""

    ED25519 = "Ed25519"
    P256 = "P-256"
    X25519 = "X25519"
    X_WING = "X-Wing"
    HKDF_SHA256 = "HKDF-SHA256"


class KeyState(StrEnum):
    """Where a key pair stands. ``destroyed`` and ``revoked`` are final."""

    PENDING = "pending"
    ACTIVE = "active"
    RETIRING = "retiring"
    DESTROYED = "destroyed"
    REVOKED = "revoked"


TRANSITIONS: Mapping[KeyState, frozenset[KeyState]] = MappingProxyType(
    {
        KeyState.PENDING: frozenset({KeyState.ACTIVE, KeyState.REVOKED}),
        KeyState.ACTIVE: frozenset({KeyState.RETIRING, KeyState.REVOKED}),
        KeyState.RETIRING: frozenset({KeyState.DESTROYED, KeyState.REVOKED}),
        KeyState.DESTROYED: frozenset(),
        KeyState.REVOKED: frozenset(),
    }
)

USABLE = frozenset({KeyState.PENDING, KeyState.ACTIVE, KeyState.RETIRING})
"""States in which a private half opens messages and a public half verifies tokens.

A pending key is among them: it is published only once every process can open with it.
"""

KEY_ID_REST = timedelta(days=30)
"""How long an OHTTP key identifier rests, so that a cached configuration never meets a new key."""

_KEY_IDS = 256  # RFC 9458 §3.1: the identifier is 8 bits


@dataclass(frozen=True, slots=True)
class StoredKey:
    """One key pair as the store holds it.

    *key_id* is the 8-bit OHTTP identifier of an encryption key and ``None`` for a signing key.
    *wrapped_private* is ``None`` once the key was destroyed or revoked. *activates_at* is when a
    pending key may be published. *drain* is set on a revoked key under which running streams may
    finish.
    """

    kid: str
    use: KeyUse
    algorithm: KeyAlgorithm
    state: KeyState
    key_id: int | None
    created_at: datetime
    activated_at: datetime | None
    retires_at: datetime | None
    revoked_at: datetime | None
    public: bytes
    wrapped_private: bytes | None = field(repr=False)
    activates_at: datetime | None = None
    drain: bool = False

    def moved_to(self, state: KeyState) -> StoredKey:
        """Return the key in *state*. Raises ``Conflict`` when :data:`TRANSITIONS` forbids it."""
        if state not in TRANSITIONS[self.state]:
            raise Conflict(f"A key that is {self.state} cannot become {state}.")
        return replace(self, state=state)

    def scheduled(self, *, at: datetime) -> StoredKey:
        """Return a pending key as one to be published *at* that moment."""
        return replace(self, activates_at=at)

    def activated(self, *, at: datetime) -> StoredKey:
        """Return the key as the one that new tokens or new messages use from *at* on."""
        return replace(self.moved_to(KeyState.ACTIVE), activated_at=at)

    def retiring(self, *, until: datetime) -> StoredKey:
        """Return the key as one that is still accepted, but no longer handed out, *until* then."""
        return replace(self.moved_to(KeyState.RETIRING), retires_at=until)

    def destroyed(self) -> StoredKey:
        """Return the key without its private half, its time being over."""
        return replace(self.moved_to(KeyState.DESTROYED), wrapped_private=None)

    def revoked(self, *, at: datetime, drain: bool = False) -> StoredKey:
        """Return the key without its private half, withdrawn *at* once.

        Withdrawn again it keeps its date; the leave to *drain* lasts only if given again.
        """
        if self.state is KeyState.REVOKED:
            return replace(self, drain=self.drain and drain)
        return replace(
            self.moved_to(KeyState.REVOKED), revoked_at=at, wrapped_private=None, drain=drain
        )


def next_key_id(keys: Iterable[StoredKey], *, now: datetime) -> int:
    """Return the OHTTP key identifier to allot next: sequential, and rested for 30 days.

    Raises ``Conflict`` when all 256 are in use or resting.
    """
    allotted = [key for key in keys if key.key_id is not None]
    busy = {key.key_id for key in allotted if not _is_rested(key, now)}
    # Keys of one rotation have the same moment; the stable order makes the last one the newest.
    newest = max(reversed(allotted), key=lambda key: key.created_at, default=None)
    last = _KEY_IDS - 1 if newest is None or newest.key_id is None else newest.key_id
    for step in range(1, _KEY_IDS + 1):
        candidate = (last + step) % _KEY_IDS
        if candidate not in busy:
            return candidate
    raise Conflict("All key identifiers are in use or were in use during the last 30 days.")


def _is_rested(key: StoredKey, now: datetime) -> bool:
    if TRANSITIONS[key.state]:
        return False  # it may still be used
    moments = (key.created_at, key.retires_at, key.revoked_at)
    return max(moment for moment in moments if moment is not None) <= now - KEY_ID_REST
