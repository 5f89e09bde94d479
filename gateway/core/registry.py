"""What the control plane remembers besides keys: clients, their credentials, and revocations.

Pure values, as the store holds them. A credential is never here in the clear, only its hash.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from gateway.core.identity import Client
from gateway.core.keyring import StoredKey


@dataclass(frozen=True, slots=True)
class StoredClient:
    """A registered client and when it was registered and last changed."""

    client: Client
    created_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Credential:
    """One secret of a client, as a password hash in PHC string format.

    A client may hold several, so that a new one can be rolled out before the old one ends.
    """

    credential_id: str
    client_id: str
    secret_hash: str = field(repr=False)
    created_at: datetime
    revoked_at: datetime | None = None


class RevocationKind(StrEnum):
    """What a revocation names."""

    JTI = "jti"
    CLIENT_ID = "client_id"
    KID = "kid"


@dataclass(frozen=True, slots=True)
class Revocation:
    """One thing withdrawn before its time.

    Of a client, it refuses every token issued up to *revoked_at*. It is forgotten at *expires_at*,
    when everything it could refuse has expired by itself; ``None`` means never.
    """

    kind: RevocationKind
    subject: str
    revoked_at: datetime
    expires_at: datetime | None

    def widened(self, other: Revocation) -> Revocation:
        """Return the revocation that refuses what either of the two does."""
        expires_at = None
        if self.expires_at is not None and other.expires_at is not None:
            expires_at = max(self.expires_at, other.expires_at)
        revoked_at = max(self.revoked_at, other.revoked_at)
        return replace(self, revoked_at=revoked_at, expires_at=expires_at)


@dataclass(frozen=True, slots=True)
class ControlState:
    """All that a snapshot is built from, as of one *revision* of the store.

    *document_seq* is the number of the key document; each change of an encryption key raises it.
    """

    revision: int
    clients: tuple[StoredClient, ...]
    keys: tuple[StoredKey, ...]
    revocations: tuple[Revocation, ...]
    document_seq: int = 0
