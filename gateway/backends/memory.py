"""The control store in memory: for tests and trials. Everything is gone when the process ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime

from gateway.core.errors import Conflict, NotFound
from gateway.core.keyring import StoredKey
from gateway.core.ports import ControlChange
from gateway.core.registry import (
    ControlState,
    Credential,
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

    def copied(self) -> _Contents:
        """Return contents that can be changed without changing these; the values are immutable."""
        return _Contents(
            self.revision,
            self.document_seq,
            copy(self.clients),
            copy(self.credentials),
            copy(self.keys),
            copy(self.revocations),
        )


class MemoryStore:
    """A ``ControlStore`` for one process and one event loop."""

    def __init__(self) -> None:
        self._contents = _Contents()
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def change(self) -> AsyncIterator[ControlChange]:
        """Change a copy, and put it in place when the context ends without an exception."""
        async with self._lock:
            contents = self._contents.copied()
            yield _MemoryChange(contents)
            contents.revision += 1
            self._contents = contents

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

    async def close(self) -> None:
        """Nothing is open."""


class _MemoryChange:
    """One transaction. A ``ControlChange``."""

    def __init__(self, contents: _Contents) -> None:
        self._contents = contents

    async def find_client(self, client_id: str) -> StoredClient | None:
        return self._contents.clients.get(client_id)

    async def add_client(self, client: StoredClient) -> None:
        if client.client.client_id in self._contents.clients:
            raise Conflict
        self._contents.clients[client.client.client_id] = client

    async def save_client(self, client: StoredClient) -> None:
        if client.client.client_id not in self._contents.clients:
            raise NotFound
        self._contents.clients[client.client.client_id] = client

    async def add_credential(self, credential: Credential) -> None:
        if credential.client_id not in self._contents.clients:
            raise NotFound
        if credential.credential_id in self._contents.credentials:
            raise Conflict
        self._contents.credentials[credential.credential_id] = credential

    async def list_credentials(self, client_id: str) -> Sequence[Credential]:
        return _credentials(self._contents, client_id)

    async def save_credential(self, credential: Credential) -> None:
        if credential.credential_id not in self._contents.credentials:
            raise NotFound
        self._contents.credentials[credential.credential_id] = credential

    async def list_keys(self) -> Sequence[StoredKey]:
        return list(self._contents.keys.values())

    async def add_key(self, key: StoredKey) -> None:
        if key.kid in self._contents.keys:
            raise Conflict
        self._contents.keys[key.kid] = key

    async def save_key(self, key: StoredKey) -> None:
        if key.kid not in self._contents.keys:
            raise NotFound
        self._contents.keys[key.kid] = key

    async def add_revocation(self, revocation: Revocation) -> None:
        name = (revocation.kind, revocation.subject)
        present = self._contents.revocations.get(name, revocation)
        self._contents.revocations[name] = present.widened(revocation)

    async def raise_document_seq(self) -> int:
        self._contents.document_seq += 1
        return self._contents.document_seq

    async def remove_expired_revocations(self, *, now: datetime) -> int:
        kept = {
            name: revocation
            for name, revocation in self._contents.revocations.items()
            if revocation.expires_at is None or revocation.expires_at > now
        }
        removed = len(self._contents.revocations) - len(kept)
        self._contents.revocations = kept
        return removed


def _credentials(contents: _Contents, client_id: str) -> list[Credential]:
    mine = [c for c in contents.credentials.values() if c.client_id == client_id]
    return sorted(mine, key=lambda c: (c.created_at, c.credential_id))
