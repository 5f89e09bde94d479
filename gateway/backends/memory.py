"""The control store in memory: for tests and trials. Everything is gone when the process ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime

from gateway.core.audit import EMPTY_TRAIL, AuditEntry, AuditHead, AuditRow, append_row
from gateway.core.errors import Conflict, NotFound
from gateway.core.identity import Role
from gateway.core.keyring import StoredKey
from gateway.core.ports import ControlChange
from gateway.core.registry import (
    ControlState,
    Credential,
    PermissionUse,
    Proposal,
    Revocation,
    RevocationKind,
    StoredClient,
)


@dataclass(slots=True)
class _Contents:
    revision: int = 0
    document_seq: int = 0
    clients: dict[str, StoredClient] = field(default_factory=dict)
    credentials: dict[str, Credential] = field(default_factory=dict)
    keys: dict[str, StoredKey] = field(default_factory=dict)
    revocations: dict[tuple[RevocationKind, str], Revocation] = field(default_factory=dict)

    audit: list[AuditRow] = field(default_factory=list)
    proposals: dict[str, Proposal] = field(default_factory=dict)
    uses: dict[tuple[str, str], PermissionUse] = field(default_factory=dict)
    drained: frozenset[str] = frozenset()

    def copied(self) -> _Contents:
        """Return contents that can be changed without changing these; the values are immutable."""
        return _Contents(
            self.revision,
            self.document_seq,
            copy(self.clients),
            copy(self.credentials),
            copy(self.keys),
            copy(self.revocations),
            copy(self.audit),
            copy(self.proposals),
            copy(self.uses),
            self.drained,
        )


class MemoryStore:
    """A ``ControlStore`` for one process and one event loop."""

    def __init__(self) -> None:
        self._contents = _Contents()
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def change(self) -> AsyncIterator[ControlChange]:
        """Change a copy, and put it in place when the context ends without an exception."""
        async with self._writing() as change:
            yield change
            change.contents.revision += 1

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[_MemoryChange]:
        async with self._lock:
            change = _MemoryChange(self._contents.copied())
            yield change
            self._contents = change.contents

    async def revision(self) -> int:
        """Return the number of the last change."""
        return self._contents.revision

    async def load(self) -> ControlState:
        """Return everything, as of one revision."""
        contents = self._contents
        return ControlState(
            revision=contents.revision,
            document_seq=contents.document_seq,
            clients=tuple(contents.clients[name] for name in sorted(contents.clients)),
            keys=tuple(contents.keys.values()),
            revocations=tuple(
                sorted(
                    contents.revocations.values(), key=lambda r: (r.revoked_at, r.kind, r.subject)
                )
            ),
            drained_backends=contents.drained,
        )

    async def find_client(self, client_id: str) -> StoredClient | None:
        """Return the client, or None."""
        return self._contents.clients.get(client_id)

    async def list_clients(self, *, after: str, limit: int) -> Sequence[StoredClient]:
        """Return up to *limit* clients after *after*, by identifier."""
        clients = self._contents.clients
        return [clients[name] for name in sorted(clients) if name > after][:limit]

    async def list_credentials(self, client_id: str) -> Sequence[Credential]:
        """Return all credentials of a client, oldest first."""
        return _credentials(self._contents, client_id)

    async def find_credential(self, credential_id: str) -> Credential | None:
        """Return the credential, or None."""
        return self._contents.credentials.get(credential_id)

    async def list_keys(self, *, after: str, limit: int) -> Sequence[StoredKey]:
        """Return up to *limit* keys after the one named *after*, in the order of creation."""
        kids = list(self._contents.keys)
        if after and after not in kids:
            return []
        first = kids.index(after) + 1 if after else 0
        return [self._contents.keys[kid] for kid in kids[first : first + limit]]

    async def list_revocations(self, *, after: tuple[str, str], limit: int) -> Sequence[Revocation]:
        """Return up to *limit* revocations after that kind and subject."""
        revocations = self._contents.revocations
        return [revocations[name] for name in sorted(revocations) if name > after][:limit]

    async def note(self, entry: AuditEntry) -> AuditRow:
        """Add *entry* to the audit trail and nothing else."""
        async with self._writing() as change:
            return await change.append_audit(entry)

    async def audit_head(self) -> AuditHead:
        """Return the last row's number and digest."""
        return _audit_head(self._contents)

    async def list_audit(self, *, after: int, limit: int) -> Sequence[AuditRow]:
        """Return up to *limit* rows after number *after*."""
        return [row for row in self._contents.audit if row.number > after][:limit]

    async def list_proposals(self, *, after: str, limit: int) -> Sequence[Proposal]:
        """Return up to *limit* proposals after *after*, by identifier."""
        proposals = self._contents.proposals
        return [proposals[name] for name in sorted(proposals) if name > after][:limit]

    async def remove_proposals(self, *, before: datetime) -> int:
        """Forget proposals decided, or else expired, before that moment."""
        async with self._writing() as change:
            proposals = change.contents.proposals
            old = [p.proposal_id for p in proposals.values() if p.closed_at < before]
            for proposal_id in old:
                del proposals[proposal_id]
            return len(old)

    async def list_permission_uses(
        self, *, after: tuple[str, str], limit: int
    ) -> Sequence[PermissionUse]:
        """Return up to *limit* uses after that client and permission."""
        uses = self._contents.uses
        return [uses[name] for name in sorted(uses) if name > after][:limit]

    async def record_uses(self, uses: Sequence[PermissionUse]) -> None:
        """Remember *uses*."""
        async with self._writing() as change:
            await change.save_permission_uses(uses)

    async def close(self) -> None:
        """Nothing is open."""


class _MemoryChange:
    """One transaction. A ``ControlChange``."""

    def __init__(self, contents: _Contents) -> None:
        self.contents = contents

    async def find_client(self, client_id: str) -> StoredClient | None:
        return self.contents.clients.get(client_id)

    async def list_clients_of(self, role: Role) -> Sequence[StoredClient]:
        clients = self.contents.clients
        return [clients[name] for name in sorted(clients) if clients[name].client.role is role]

    async def add_client(self, client: StoredClient) -> None:
        if client.client.client_id in self.contents.clients:
            raise Conflict
        self.contents.clients[client.client.client_id] = client

    async def save_client(self, client: StoredClient) -> None:
        if client.client.client_id not in self.contents.clients:
            raise NotFound
        self.contents.clients[client.client.client_id] = client

    async def add_credential(self, credential: Credential) -> None:
        if credential.client_id not in self.contents.clients:
            raise NotFound
        if credential.credential_id in self.contents.credentials:
            raise Conflict
        self.contents.credentials[credential.credential_id] = credential

    async def list_credentials(self, client_id: str) -> Sequence[Credential]:
        return _credentials(self.contents, client_id)

    async def find_credential(self, credential_id: str) -> Credential | None:
        return self.contents.credentials.get(credential_id)

    async def save_credential(self, credential: Credential) -> None:
        if credential.credential_id not in self.contents.credentials:
            raise NotFound
        self.contents.credentials[credential.credential_id] = credential

    async def list_keys(self) -> Sequence[StoredKey]:
        return list(self.contents.keys.values())

    async def add_key(self, key: StoredKey) -> None:
        if key.kid in self.contents.keys:
            raise Conflict
        self.contents.keys[key.kid] = key

    async def save_key(self, key: StoredKey) -> None:
        if key.kid not in self.contents.keys:
            raise NotFound
        self.contents.keys[key.kid] = key

    async def add_revocation(self, revocation: Revocation) -> None:
        name = (revocation.kind, revocation.subject)
        present = self.contents.revocations.get(name, revocation)
        self.contents.revocations[name] = present.widened(revocation)

    async def raise_document_seq(self) -> int:
        self.contents.document_seq += 1
        return self.contents.document_seq

    async def remove_expired_revocations(self, *, now: datetime) -> int:
        kept = {
            name: revocation
            for name, revocation in self.contents.revocations.items()
            if revocation.expires_at is None or revocation.expires_at > now
        }
        removed = len(self.contents.revocations) - len(kept)
        self.contents.revocations = kept
        return removed

    async def append_audit(self, entry: AuditEntry) -> AuditRow:
        row = append_row(_audit_head(self.contents), entry)
        self.contents.audit.append(row)
        return row

    async def save_drained(self, backend: str, *, drained: bool) -> None:
        named = frozenset({backend})
        before = self.contents.drained
        self.contents.drained = before | named if drained else before - named

    async def add_proposal(self, proposal: Proposal) -> None:
        if proposal.proposal_id in self.contents.proposals:
            raise Conflict
        self.contents.proposals[proposal.proposal_id] = proposal

    async def find_proposal(self, proposal_id: str) -> Proposal | None:
        return self.contents.proposals.get(proposal_id)

    async def save_proposal(self, proposal: Proposal) -> None:
        if proposal.proposal_id not in self.contents.proposals:
            raise NotFound
        self.contents.proposals[proposal.proposal_id] = proposal

    async def list_permission_uses(self, client_id: str) -> Sequence[PermissionUse]:
        uses = self.contents.uses
        return [uses[name] for name in sorted(uses) if name[0] == client_id]

    async def save_permission_uses(self, uses: Sequence[PermissionUse]) -> None:
        for use in uses:
            if use.client_id in self.contents.clients:
                name = (use.client_id, use.permission)
                self.contents.uses[name] = self.contents.uses.get(name, use).merged(use)


def _audit_head(contents: _Contents) -> AuditHead:
    return contents.audit[-1].head if contents.audit else EMPTY_TRAIL


def _credentials(contents: _Contents, client_id: str) -> list[Credential]:
    mine = [c for c in contents.credentials.values() if c.client_id == client_id]
    return sorted(mine, key=lambda c: (c.created_at, c.credential_id))
