"""Reading rows: the queries that a transaction and the store share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.backends.database.rows import (
    Row,
    client_of,
    credential_of,
    permission_use_of,
    proposal_of,
)
from gateway.backends.database.tables import (
    CLIENTS,
    CREDENTIALS,
    PERMISSION_USES,
    PROPOSALS,
    REVISION,
)
from gateway.core.audit import AuditHead
from gateway.core.registry import Credential, PermissionUse, Proposal, StoredClient


async def rows(connection: AsyncConnection, query: Select[Any]) -> Sequence[Row]:
    """Return all rows of *query*."""
    return [dict(row) for row in (await connection.execute(query)).mappings()]


async def revision(connection: AsyncConnection) -> int:
    """Return the number of the last change."""
    return int((await connection.execute(select(REVISION.c.value))).scalar_one())


async def find_client(connection: AsyncConnection, client_id: str) -> StoredClient | None:
    """Return the client, or None."""
    found = await rows(connection, select(CLIENTS).where(CLIENTS.c.client_id == client_id))
    return client_of(found[0]) if found else None


async def credentials(connection: AsyncConnection, client_id: str) -> Sequence[Credential]:
    """Return all credentials of a client, oldest first."""
    query = select(CREDENTIALS).where(CREDENTIALS.c.client_id == client_id)
    order = (CREDENTIALS.c.created_at, CREDENTIALS.c.credential_id)
    return [credential_of(row) for row in await rows(connection, query.order_by(*order))]


async def find_credential(connection: AsyncConnection, credential_id: str) -> Credential | None:
    """Return the credential, or None."""
    query = select(CREDENTIALS).where(CREDENTIALS.c.credential_id == credential_id)
    found = await rows(connection, query)
    return credential_of(found[0]) if found else None


async def audit_head(connection: AsyncConnection) -> AuditHead:
    """Return the end of the audit trail, as the counter beside the rows has it."""
    query = select(REVISION.c.audit_number, REVISION.c.audit_digest)
    number, digest = (await connection.execute(query)).one()
    return AuditHead(number, digest)


async def find_proposal(connection: AsyncConnection, proposal_id: str) -> Proposal | None:
    """Return the proposal, or None."""
    found = await rows(connection, select(PROPOSALS).where(PROPOSALS.c.proposal_id == proposal_id))
    return proposal_of(found[0]) if found else None


async def permission_uses(connection: AsyncConnection, client_id: str) -> Sequence[PermissionUse]:
    """Return what is known of the permissions of a client, by name."""
    query = select(PERMISSION_USES).where(PERMISSION_USES.c.client_id == client_id)
    found = await rows(connection, query.order_by(PERMISSION_USES.c.permission))
    return [permission_use_of(row) for row in found]
