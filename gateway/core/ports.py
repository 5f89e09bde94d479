"""The ports: what the planes need from the outside world, as Protocols that backends satisfy.

Each Protocol says what its methods raise, because a backend that fails in any other way than a
:class:`~gateway.core.errors.SealgateError` has a bug. Every backend passes the contract suite of
its port in ``tests/contract``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

from gateway.core.audit import AuditEntry, AuditHead, AuditRow
from gateway.core.grants import Quota
from gateway.core.idempotency import CallClaim
from gateway.core.identity import Role
from gateway.core.keyring import StoredKey
from gateway.core.policy import Snapshot
from gateway.core.registry import (
    ControlState,
    Credential,
    PermissionUse,
    Proposal,
    Revocation,
    StoredClient,
)
from gateway.core.secret import Secret

Clock = Callable[[], datetime]
"""Returns the current time as an aware datetime in UTC."""


class SnapshotSource(Protocol):
    """Where the data plane reads what is allowed now."""

    def current(self) -> Snapshot:
        """Return the newest snapshot. Raises ``StoreUnavailable`` while there is none to trust."""


class SnapshotFeed(SnapshotSource, Protocol):
    """A source that also tells when there is a new snapshot, for what runs long."""

    async def changed(self, revision: int) -> Snapshot:
        """Return the newest snapshot once there is another than that of *revision*."""


class UseLog(Protocol):
    """What remembers the days on which permissions were used."""

    def note(self, client_id: str, permission: str) -> None:
        """Remember that *client_id* uses *permission* now. Never fails, never waits."""


class KeyDocumentSource(Protocol):
    """Where the signed key document comes from."""

    def current(self) -> bytes:
        """Return a document that is good for at least half an hour.

        Raises ``StoreUnavailable`` while the state of the keys cannot be trusted.
        """


class ReplayStore(Protocol):
    """What remembers the sealed requests of the last minutes, for all processes that share it."""

    async def claim(self, tag: bytes, *, until: datetime) -> None:
        """Remember *tag* until that moment; of several claims at once exactly one succeeds.

        Raises ``Replayed`` when it is remembered already, and ``StoreUnavailable`` within a second
        when the store does not answer; the tag may then be taken or not.
        """

    async def close(self) -> None:
        """Give everything back. Claims that still wait are finished first."""


class KeyWrap(Protocol):
    """What protects private keys at rest: wraps them one by one, bound to their ``kid``.

    Every method answers within a second. ``KeyServiceUnavailable``: it cannot be done now.
    """

    async def wrap(self, private: Secret[bytes], *, kid: str) -> bytes:
        """Return *private* wrapped under the newest wrapping key."""

    async def unwrap(self, wrapped: bytes, *, kid: str) -> Secret[bytes]:
        """Return what was wrapped for *kid*. Raises ``StoreUnavailable`` if it does not open."""

    async def close(self) -> None:
        """Give everything back. To be called once nothing else is."""


class ControlChange(Protocol):
    """One transaction that changes the store: all of it happens, or nothing.

    Changes are serialised: what is read inside stays true until the end. Every method raises
    ``StoreUnavailable`` when the store does not answer.
    """

    async def find_client(self, client_id: str) -> StoredClient | None:
        """Return the client, or None."""

    async def list_clients_of(self, role: Role) -> Sequence[StoredClient]:
        """Return all clients that have *role*, disabled ones included, by identifier."""

    async def add_client(self, client: StoredClient) -> None:
        """Register a client. Raises ``Conflict`` when its identifier is taken."""

    async def save_client(self, client: StoredClient) -> None:
        """Replace a registered client. Raises ``NotFound``."""

    async def add_credential(self, credential: Credential) -> None:
        """Add a credential to a registered client. Raises ``NotFound`` without that client."""

    async def list_credentials(self, client_id: str) -> Sequence[Credential]:
        """Return all credentials of a client, oldest first, revoked ones included."""

    async def find_credential(self, credential_id: str) -> Credential | None:
        """Return the credential, or None."""

    async def save_credential(self, credential: Credential) -> None:
        """Replace a credential. Raises ``NotFound``."""

    async def list_keys(self) -> Sequence[StoredKey]:
        """Return all keys, in the order in which they were created."""

    async def add_key(self, key: StoredKey) -> None:
        """Add a key. Raises ``Conflict`` when its ``kid`` is taken."""

    async def save_key(self, key: StoredKey) -> None:
        """Replace a key. Raises ``NotFound``."""

    async def add_revocation(self, revocation: Revocation) -> None:
        """Add a revocation, or widen the one of the same kind and subject; never narrows it."""

    async def raise_document_seq(self) -> int:
        """Add one to the number of the key document; return the new number. It never falls."""

    async def remove_expired_revocations(self, *, now: datetime) -> int:
        """Forget revocations whose ``expires_at`` is not after *now*; return how many."""

    async def append_audit(self, entry: AuditEntry) -> AuditRow:
        """Add *entry* at the end of the audit trail, in this transaction; return its row."""

    async def save_drained(self, backend: str, *, drained: bool) -> None:
        """Remember whether the model server of this name is drained."""

    async def add_proposal(self, proposal: Proposal) -> None:
        """Add a proposal. Raises ``Conflict`` when its identifier is taken."""

    async def find_proposal(self, proposal_id: str) -> Proposal | None:
        """Return the proposal, or None."""

    async def save_proposal(self, proposal: Proposal) -> None:
        """Replace a proposal. Raises ``NotFound``."""

    async def list_permission_uses(self, client_id: str) -> Sequence[PermissionUse]:
        """Return what is known of the permissions of a client, by name."""

    async def save_permission_uses(self, uses: Sequence[PermissionUse]) -> None:
        """Remember *uses*: the later day of each kind wins over what was known."""


class AnswerPlaces(Protocol):
    """Places for the answers of a client that are under way, one count for several processes.

    Neither method waits. What a process held that is gone is free.
    """

    def take(self, client_id: str, limit: int) -> int | None:
        """Return a place below *limit* that nobody has, or None. Raises ``StoreUnavailable``."""

    def give_back(self, client_id: str, place: int) -> None:
        """Let others have *place*."""


class QuotaStore(Protocol):
    """Counts what each client has used of its quota, by time on its own clock.

    Requests and tokens alone; how many answers run at once is the business of ``AnswerPlaces``.
    """

    async def take(self, client_id: str, quota: Quota) -> None:
        """Count one request of this client. A refused request is not counted.

        Raises ``QuotaExceeded``, which knows when there is quota again, or ``StoreUnavailable``.
        """

    async def count_tokens(self, client_id: str, quota: Quota, tokens: int) -> None:
        """Count *tokens* that were spent, past the quota too: then the next requests are refused.

        Raises ``StoreUnavailable``.
        """


class IdempotencyStore(Protocol):
    """What remembers the calls that came with an idempotency key, for all processes that share it.

    Every method raises ``StoreUnavailable`` when the store does not answer, ``CommitUnconfirmed``
    when it may have done what it was told.
    """

    async def claim(self, claim: CallClaim) -> CallClaim:
        """Remember *claim* unless its tag is taken; return the claim that holds the tag.

        Of several at once exactly one gets its own back. A claim that is over at the ``claimed_at``
        of the new one makes room for it.
        """

    async def finish(self, claim: CallClaim) -> None:
        """Remember the answer of *claim*, unless the tag is held by another attempt."""

    async def release(self, claim: CallClaim) -> None:
        """Forget *claim*, unless the tag is held by another attempt."""

    async def forget_expired(self, *, now: datetime) -> int:
        """Erase the claims that are over at *now*, answers and all; return how many."""

    async def close(self) -> None:
        """Close all connections."""


class ControlStore(Protocol):
    """Where clients, credentials, keys and revocations live.

    A change is durable when the context of :meth:`change` was left without an exception. The
    *revision* grows with each change, in the same transaction, so another process that sees a new
    revision sees the change. Every method raises ``StoreUnavailable`` when the store does not
    answer; nothing was changed then.
    """

    def change(self) -> AbstractAsyncContextManager[ControlChange]:
        """Open a transaction; commit it when the context ends, roll back on an exception."""

    async def revision(self) -> int:
        """Return the number of the last change."""

    async def load(self) -> ControlState:
        """Return everything a snapshot needs, as of one revision."""

    async def find_client(self, client_id: str) -> StoredClient | None:
        """Return the client, or None."""

    async def list_clients(self, *, after: str, limit: int) -> Sequence[StoredClient]:
        """Return up to *limit* clients whose identifier sorts after *after*, in that order."""

    async def list_credentials(self, client_id: str) -> Sequence[Credential]:
        """Return all credentials of a client, oldest first, revoked ones included."""

    async def find_credential(self, credential_id: str) -> Credential | None:
        """Return the credential, or None."""

    async def list_keys(self, *, after: str, limit: int) -> Sequence[StoredKey]:
        """Return up to *limit* keys that were created after the one named *after*, in that order.

        From the first one on when that is empty; none when there is no such key.
        """

    async def list_revocations(self, *, after: tuple[str, str], limit: int) -> Sequence[Revocation]:
        """Return up to *limit* revocations after that kind and subject, in that order."""

    async def note(self, entry: AuditEntry) -> AuditRow:
        """Add *entry* to the audit trail and nothing else; the revision stays."""

    async def audit_head(self) -> AuditHead:
        """Return the last row of the audit trail as the store counts it, apart from the rows."""

    async def list_audit(self, *, after: int, limit: int) -> Sequence[AuditRow]:
        """Return up to *limit* rows whose number is above *after*, in their order.

        Raises ``AuditBroken`` when one of them is not what any act can have written.
        """

    async def list_proposals(self, *, after: str, limit: int) -> Sequence[Proposal]:
        """Return up to *limit* proposals whose identifier sorts after *after*, in that order."""

    async def remove_proposals(self, *, before: datetime) -> int:
        """Forget proposals decided, or else expired, before that moment; return how many.

        The revision stays.
        """

    async def list_permission_uses(
        self, *, after: tuple[str, str], limit: int
    ) -> Sequence[PermissionUse]:
        """Return up to *limit* uses after that client and permission, in that order."""

    async def record_uses(self, uses: Sequence[PermissionUse]) -> None:
        """Do what ``save_permission_uses`` does, in a transaction that leaves the revision."""

    async def close(self) -> None:
        """Close all connections."""
