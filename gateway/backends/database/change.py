"""One transaction on the control store."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Table, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.backends.database import queries
from gateway.backends.database.rows import (
    Row,
    audit_row,
    client_of,
    client_row,
    credential_row,
    key_of,
    key_row,
    permission_use_row,
    proposal_row,
    revocation_of,
    revocation_row,
)
from gateway.backends.database.tables import (
    AUDIT,
    CLIENTS,
    CREDENTIALS,
    DRAINED_BACKENDS,
    KEYS,
    PERMISSION_USES,
    PROPOSALS,
    REVISION,
    REVOCATIONS,
)
from gateway.core.audit import AuditEntry, AuditRow, append_row
from gateway.core.errors import Conflict, NotFound, StoreUnavailable
from gateway.core.identity import Role
from gateway.core.keyring import StoredKey
from gateway.core.registry import Credential, PermissionUse, Proposal, Revocation, StoredClient


class DatabaseChange:
    """One transaction. A ``ControlChange``."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self.has_erased = False
        """Whether a private key, or a wrapped form of one, was taken out of the store."""

    async def find_client(self, client_id: str) -> StoredClient | None:
        """Return the client, or None."""
        return await queries.find_client(self._connection, client_id)

    async def list_clients_of(self, role: Role) -> Sequence[StoredClient]:
        """Return all clients that have *role*, by identifier."""
        query = select(CLIENTS).where(CLIENTS.c.role == role.value).order_by(CLIENTS.c.client_id)
        return [client_of(row) for row in await queries.rows(self._connection, query)]

    async def remove_proposals(self, *, before: datetime) -> int:
        """Forget proposals decided, or else expired, before that moment; return how many."""
        closed_at = func.coalesce(PROPOSALS.c.decided_at, PROPOSALS.c.expires_at)
        old = delete(PROPOSALS).where(closed_at < before)
        return (await self._connection.execute(old)).rowcount

    async def add_client(self, client: StoredClient) -> None:
        """Register a client."""
        await self._insert(CLIENTS, client_row(client))

    async def save_client(self, client: StoredClient) -> None:
        """Replace a registered client."""
        where = CLIENTS.c.client_id == client.client.client_id
        await self._update(CLIENTS, where, client_row(client))

    async def add_credential(self, credential: Credential) -> None:
        """Add a credential to a registered client."""
        if await self.find_client(credential.client_id) is None:
            raise NotFound
        await self._insert(CREDENTIALS, credential_row(credential))

    async def list_credentials(self, client_id: str) -> Sequence[Credential]:
        """Return all credentials of a client, oldest first, revoked ones included."""
        return await queries.credentials(self._connection, client_id)

    async def find_credential(self, credential_id: str) -> Credential | None:
        """Return the credential, or None."""
        return await queries.find_credential(self._connection, credential_id)

    async def save_credential(self, credential: Credential) -> None:
        """Replace a credential."""
        where = CREDENTIALS.c.credential_id == credential.credential_id
        await self._update(CREDENTIALS, where, credential_row(credential))

    async def list_keys(self) -> Sequence[StoredKey]:
        """Return all keys, in the order in which they were created."""
        rows = await queries.rows(self._connection, select(KEYS).order_by(KEYS.c.sequence))
        return [key_of(row) for row in rows]

    async def add_key(self, key: StoredKey) -> None:
        """Add a key."""
        await self._insert(KEYS, key_row(key))

    async def save_key(self, key: StoredKey) -> None:
        """Replace a key."""
        where = KEYS.c.kid == key.kid
        for row in await queries.rows(self._connection, select(KEYS).where(where)):
            if row["wrapped_private"] != key.wrapped_private:
                self.has_erased = True  # gone, or wrapped anew
        await self._update(KEYS, where, key_row(key))

    async def add_revocation(self, revocation: Revocation) -> None:
        """Add a revocation, or widen the one of the same kind and subject; never narrows it."""
        where = (REVOCATIONS.c.kind == revocation.kind.value) & (
            REVOCATIONS.c.subject == revocation.subject
        )
        rows = await queries.rows(self._connection, select(REVOCATIONS).where(where))
        if rows:
            widest = revocation_of(rows[0]).widened(revocation)
            await self._update(REVOCATIONS, where, revocation_row(widest))
        else:
            await self._insert(REVOCATIONS, revocation_row(revocation))

    async def raise_document_seq(self) -> int:
        """Add one to the number of the key document; return the new number."""
        raised = update(REVISION).values(document_seq=REVISION.c.document_seq + 1)
        result = await self._connection.execute(raised.returning(REVISION.c.document_seq))
        return int(result.scalar_one())

    async def remove_expired_revocations(self, *, now: datetime) -> int:
        """Forget revocations whose ``expires_at`` is not after *now*; return how many."""
        # A row without expires_at compares as unknown and stays.
        expired = delete(REVOCATIONS).where(REVOCATIONS.c.expires_at <= now)
        return (await self._connection.execute(expired)).rowcount

    async def append_audit(self, entry: AuditEntry) -> AuditRow:
        """Add *entry* at the end of the audit trail.

        A row that does not go in is no conflict of the caller's making: the store is out of order.
        """
        row = append_row(await queries.audit_head(self._connection), entry)
        try:
            await self._connection.execute(insert(AUDIT).values(audit_row(row)))
        except IntegrityError:
            raise StoreUnavailable from None
        head = {"audit_number": row.number, "audit_digest": row.digest}
        await self._connection.execute(update(REVISION).values(head))
        return row

    async def save_drained(self, backend: str, *, drained: bool) -> None:
        """Remember whether a model server is drained."""
        where = DRAINED_BACKENDS.c.backend == backend
        await self._connection.execute(delete(DRAINED_BACKENDS).where(where))
        if drained:
            await self._insert(DRAINED_BACKENDS, {"backend": backend})

    async def add_proposal(self, proposal: Proposal) -> None:
        """Add a proposal."""
        await self._insert(PROPOSALS, proposal_row(proposal))

    async def find_proposal(self, proposal_id: str) -> Proposal | None:
        """Return the proposal, or None."""
        return await queries.find_proposal(self._connection, proposal_id)

    async def save_proposal(self, proposal: Proposal) -> None:
        """Replace a proposal."""
        where = PROPOSALS.c.proposal_id == proposal.proposal_id
        await self._update(PROPOSALS, where, proposal_row(proposal))

    async def list_permission_uses(self, client_id: str) -> Sequence[PermissionUse]:
        """Return what is known of the permissions of a client, by name."""
        return await queries.permission_uses(self._connection, client_id)

    async def save_permission_uses(self, uses: Sequence[PermissionUse]) -> None:
        """Remember *uses*: the later day of each kind wins over what was known."""
        for client_id in {use.client_id for use in uses}:
            if await self.find_client(client_id) is None:
                continue  # used, then gone before the batch was written
            known = {u.permission: u for u in await self.list_permission_uses(client_id)}
            for use in uses:
                if use.client_id == client_id:
                    await self._save_use(use, known.get(use.permission))

    async def _save_use(self, use: PermissionUse, known: PermissionUse | None) -> None:
        if known is None:
            await self._insert(PERMISSION_USES, permission_use_row(use))
            return
        where = (PERMISSION_USES.c.client_id == use.client_id) & (
            PERMISSION_USES.c.permission == use.permission
        )
        await self._update(PERMISSION_USES, where, permission_use_row(known.merged(use)))

    async def _insert(self, table: Table, row: Row) -> None:
        try:
            # Nested, or else PostgreSQL takes nothing more in a transaction after an error.
            async with self._connection.begin_nested():
                await self._connection.execute(insert(table).values(row))
        except IntegrityError:
            raise Conflict from None

    async def _update(self, table: Table, where: ColumnElement[bool], row: Row) -> None:
        result = await self._connection.execute(update(table).where(where).values(row))
        if result.rowcount == 0:
            raise NotFound
