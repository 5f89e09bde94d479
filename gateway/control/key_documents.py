"""The signed key document as it is served: built from the snapshot, signed anew every few minutes.

A client that fetches it gets one that is good for most of its hour, and the same bytes as everybody
else: the gateway cannot single out a client by a key of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from gateway.control.key_material import KEM_IDS, PREFERENCES, encode_public_config
from gateway.control.key_rules import KeyRules
from gateway.control.snapshot import DocumentState, SnapshotHolder
from gateway.core.key_document import (
    DOCUMENT_LIFETIME,
    DocumentKey,
    DocumentKeyStatus,
    KeyDocument,
    sign_key_document,
)
from gateway.core.keyring import KEY_ID_REST, KeyState, KeyUse, StoredKey
from gateway.core.ports import Clock
from gateway.core.replay import MAX_SKEW_SECONDS

SIGN_AGAIN_AFTER: Final = timedelta(minutes=5)

_STATUSES: Final = {
    KeyState.ACTIVE: DocumentKeyStatus.ACTIVE,
    KeyState.RETIRING: DocumentKeyStatus.RETIRING,
    KeyState.REVOKED: DocumentKeyStatus.REVOKED,
}


@dataclass(frozen=True, slots=True)
class DocumentRules:
    """What the document says besides the keys."""

    issuer: str
    require_date: bool = True
    max_skew_seconds: int = MAX_SKEW_SECONDS


@dataclass(frozen=True, slots=True)
class _Signed:
    state: DocumentState
    issued_at: datetime
    data: bytes


class KeyDocuments:
    """A ``KeyDocumentSource`` over the snapshots."""

    def __init__(
        self, snapshots: SnapshotHolder, *, clock: Clock, rules: DocumentRules, keys: KeyRules
    ) -> None:
        self._snapshots = snapshots
        self._clock = clock
        self._rules = rules
        self._keys = keys
        self._signed: _Signed | None = None

    def current(self) -> bytes:
        """Return the signed document; it is good for at least 55 more minutes.

        Raises ``StoreUnavailable`` while the keys are not known for sure: a document signed then
        might vouch for a key that was revoked meanwhile.
        """
        state = self._snapshots.document_state()
        now = self._clock()
        signed = self._signed
        if (
            signed is None
            or signed.state is not state
            or not timedelta(0) <= now - signed.issued_at < SIGN_AGAIN_AFTER
        ):
            data = sign_key_document(self._document(state, now), state.signing_key)
            signed = self._signed = _Signed(state, now, data)
        return signed.data

    def _document(self, state: DocumentState, now: datetime) -> KeyDocument:
        issued_at = now.replace(microsecond=0)
        return KeyDocument(
            issuer=self._rules.issuer,
            seq=state.seq,
            issued_at=issued_at,
            expires_at=issued_at + DOCUMENT_LIFETIME,
            keys=self._entries(state.keys, now),
            require_date=self._rules.require_date,
            max_skew_seconds=self._rules.max_skew_seconds,
        )

    def _entries(self, keys: Sequence[StoredKey], now: datetime) -> tuple[DocumentKey, ...]:
        """Return the keys a client should know of: those in use, and what was revoked lately.

        A revoked key is named for as long as its identifier rests; no client keeps one for longer.
        """
        entries = [
            self._entry(key, now)
            for key in keys
            if key.state in _STATUSES
            and (key.revoked_at is None or key.revoked_at > now - KEY_ID_REST)
        ]
        return tuple(sorted(entries, key=lambda entry: (entry.preference or 99, entry.key_id)))

    def _entry(self, key: StoredKey, now: datetime) -> DocumentKey:
        assert key.key_id is not None
        entry = DocumentKey(
            kid=key.kid,
            key_id=key.key_id,
            kem_id=KEM_IDS[key.algorithm],
            status=_STATUSES[key.state],
        )
        if key.state is KeyState.REVOKED:
            return replace(entry, revoked_at=key.revoked_at)
        if key.state is KeyState.RETIRING:
            return replace(entry, expires_at=key.retires_at)
        return replace(
            entry,
            preference=PREFERENCES[key.algorithm],
            not_before=key.activated_at,
            expires_at=self._end(key, now),
            config=encode_public_config(key),
        )

    def _end(self, key: StoredKey, now: datetime) -> datetime:
        """Return when an active key stops opening, if it is rotated in time.

        If that is late, it still opens for a whole overlap from now on.
        """
        overlap = self._keys.overlap[KeyUse.ENCRYPTION]
        began = key.activated_at or now
        return max(began + self._keys.rotate_after[KeyUse.ENCRYPTION], now) + overlap
