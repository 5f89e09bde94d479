"""What the control plane remembers besides keys: clients, credentials, revocations, proposals.

Pure values, as the store holds them. A credential is never here in the clear, only its hash.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from gateway.core.identity import Client
from gateway.core.keyring import StoredKey

CLIENT_ID: Final = re.compile(r"c-[0-9a-f]{16}")
CREDENTIAL_ID: Final = re.compile(r"[0-9a-f]{16}")
PROPOSAL_ID: Final = re.compile(r"p-[0-9a-f]{28}")
"""How the gateway names what it makes. Nothing else can be found in a store under such a name."""


@dataclass(frozen=True, slots=True)
class StoredClient:
    """A registered client and when it was registered and last changed.

    *version* grows with each change: who changes a client can say which one they have seen.
    """

    client: Client
    created_at: datetime
    changed_at: datetime
    version: int = 1


class CredentialKind(StrEnum):
    """How a client proves itself to the token endpoint, named as in RFC 8414."""

    SECRET = "client_secret_basic"  # noqa: S105  # the name of a method
    PUBLIC_KEY = "private_key_jwt"
    CERTIFICATE = "tls_client_auth"


@dataclass(frozen=True, slots=True)
class Credential:
    """What one proof of a client is checked against.

    *verifier* is, by kind: a password hash in PHC string format, a public JWK as JSON, or the
    subject that the certificate must name. A client may hold several credentials, so that a new
    one can be rolled out before the old one ends.
    """

    credential_id: str
    client_id: str
    verifier: str = field(repr=False)
    created_at: datetime
    revoked_at: datetime | None = None
    kind: CredentialKind = CredentialKind.SECRET


class RevocationKind(StrEnum):
    """What a revocation names."""

    JTI = "jti"
    CLIENT_ID = "client_id"
    CREDENTIAL_ID = "credential_id"
    KID = "kid"
    ROLE = "role"
    EVERYTHING = "everything"


EVERYTHING_SUBJECT = "*"
"""The subject of a revocation of everything."""


@dataclass(frozen=True, slots=True)
class Revocation:
    """One thing withdrawn before its time.

    Of a client, a credential, a role or everything, it refuses the tokens issued up to
    *revoked_at*. It is forgotten at *expires_at*, when everything it could refuse has expired by
    itself; ``None`` means never.
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
class PermissionUse:
    """When a client got a permission and when it last used it, as days in UTC.

    *permission* is the value of a ``Permission`` or the name of a ``Grant``.
    """

    client_id: str
    permission: str
    granted_on: date
    last_used_on: date | None = None

    @property
    def idle_since(self) -> date:
        """The day from which on it was not used: the last use, or the grant if that is later."""
        return max(self.granted_on, self.last_used_on or self.granted_on)

    def merged(self, other: PermissionUse) -> PermissionUse:
        """Return what is known from both: the later day of each kind."""
        days = [use.last_used_on for use in (self, other) if use.last_used_on is not None]
        return replace(
            self,
            granted_on=max(self.granted_on, other.granted_on),
            last_used_on=max(days, default=None),
        )


class ProposalState(StrEnum):
    """Where a proposal stands; all but ``pending`` are final."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Proposal:
    """An act that waits for a second person.

    *parameters* is what the act needs, as JSON; *proposer* and *decided_by* are actors as in the
    audit trail.
    """

    proposal_id: str
    action: str
    parameters: str
    proposer: str
    created_at: datetime
    expires_at: datetime
    state: ProposalState = ProposalState.PENDING
    decided_by: str | None = None
    decided_at: datetime | None = None

    @property
    def closed_at(self) -> datetime:
        """The moment from which on it can no longer be decided."""
        return self.decided_at or self.expires_at


@dataclass(frozen=True, slots=True)
class ControlState:
    """All that a snapshot is built from, as of one *revision* of the store.

    *document_seq* is the number of the key document; each change of an encryption key raises it.
    *drained_backends* names the model servers that get no new calls.
    """

    revision: int
    clients: tuple[StoredClient, ...]
    keys: tuple[StoredKey, ...]
    revocations: tuple[Revocation, ...]
    document_seq: int = 0
    drained_backends: frozenset[str] = frozenset()
