"""Reading rows: the queries that a transaction and the store share.

What a caller names is looked up only if it has the form of a name of ours. Anything else, perhaps a
secret or a person in the wrong field, is in no row, and a database may log the parameters of its
statements.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ColumnElement,
    DateTime,
    Select,
    Text,
    cast,
    literal,
    select,
    type_coerce,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.backends.database.rows import (
    ClientKey,
    RevocationKey,
    Row,
    audit_of,
    client_of,
    client_of_key,
    credential_of,
    permission_use_of,
    proposal_of,
    revocation_of_key,
)
from gateway.backends.database.tables import (
    AUDIT,
    CLIENTS,
    CREDENTIALS,
    PERMISSION_USES,
    PROPOSALS,
    REVISION,
    REVOCATIONS,
    UtcDateTime,
)
from gateway.core.audit import AuditHead, AuditRow
from gateway.core.errors import AuditBroken
from gateway.core.registry import (
    CLIENT_ID,
    CREDENTIAL_ID,
    PROPOSAL_ID,
    Credential,
    PermissionUse,
    Proposal,
    Revocation,
    StoredClient,
)


async def rows(connection: AsyncConnection, query: Select[Any]) -> Sequence[Row]:
    """Return all rows of *query*."""
    return [dict(row) for row in (await connection.execute(query)).mappings()]


async def revision(connection: AsyncConnection) -> int:
    """Return the number of the last change."""
    return int((await connection.execute(select(REVISION.c.value))).scalar_one())


async def clients(
    connection: AsyncConnection, known: Mapping[ClientKey, StoredClient]
) -> dict[ClientKey, StoredClient]:
    """Return all clients by their identifiers, under their raw columns; of *known* none is rebuilt.

    As with revocations the event loop waits meanwhile: building a thousand takes a tenth of a
    second.
    """
    query = select(*map(_raw, CLIENTS.columns)).order_by(CLIENTS.c.client_id)
    found: list[ClientKey] = [tuple(row) for row in await connection.execute(query)]
    return {key: known.get(key) or client_of_key(key) for key in found}


def _raw(column: Column[Any]) -> ColumnElement[Any]:
    if isinstance(column.type, JSON):
        return cast(column, Text)
    return type_coerce(column, DateTime) if isinstance(column.type, UtcDateTime) else column


async def revocations(
    connection: AsyncConnection, known: Mapping[RevocationKey, Revocation]
) -> dict[RevocationKey, Revocation]:
    """Return all revocations, oldest first, by their raw columns; those in *known* are not rebuilt.

    There may be ten thousand, every process reads them after every change, and the event loop waits
    meanwhile: so times stay without their zone until a row is found to be new.
    """
    columns = REVOCATIONS.c
    times = (type_coerce(columns.revoked_at, DateTime), type_coerce(columns.expires_at, DateTime))
    query = select(columns.kind, columns.subject, *times)
    query = query.order_by(columns.revoked_at, columns.kind, columns.subject)
    found: list[RevocationKey] = [tuple(row) for row in await connection.execute(query)]
    return {key: known.get(key) or revocation_of_key(key) for key in found}


async def find_client(connection: AsyncConnection, client_id: str) -> StoredClient | None:
    """Return the client, or None."""
    if not CLIENT_ID.fullmatch(client_id):
        return None
    found = await rows(connection, select(CLIENTS).where(CLIENTS.c.client_id == client_id))
    return client_of(found[0]) if found else None


async def credentials(connection: AsyncConnection, client_id: str) -> Sequence[Credential]:
    """Return all credentials of a client, oldest first."""
    if not CLIENT_ID.fullmatch(client_id):
        return []
    query = select(CREDENTIALS).where(CREDENTIALS.c.client_id == client_id)
    order = (CREDENTIALS.c.created_at, CREDENTIALS.c.credential_id)
    return [credential_of(row) for row in await rows(connection, query.order_by(*order))]


async def find_credential(connection: AsyncConnection, credential_id: str) -> Credential | None:
    """Return the credential, or None."""
    if not CREDENTIAL_ID.fullmatch(credential_id):
        return None
    query = select(CREDENTIALS).where(CREDENTIALS.c.credential_id == credential_id)
    found = await rows(connection, query)
    return credential_of(found[0]) if found else None


async def audit_head(connection: AsyncConnection) -> AuditHead:
    """Return the end of the audit trail, as the counter beside the rows has it."""
    query = select(REVISION.c.audit_number, REVISION.c.audit_digest)
    number, digest = (await connection.execute(query)).one()
    return AuditHead(number, digest)


async def audit_rows(connection: AsyncConnection, *, after: int, limit: int) -> list[AuditRow]:
    """Return up to *limit* rows of the audit trail after number *after*.

    Raises ``AuditBroken``, which names the row, when one holds what no act ever wrote.
    """
    # As wide as what callers may say, which is more than the column holds in PostgreSQL.
    where = AUDIT.c.number > literal(after, BigInteger)
    query = select(AUDIT).where(where).order_by(AUDIT.c.number).limit(limit)
    try:
        return [audit_of(row) for row in await rows(connection, query)]
    except (TypeError, ValueError, DBAPIError):  # one of them; which, a second look at each says
        numbers = select(AUDIT.c.number).where(where).order_by(AUDIT.c.number).limit(limit)
        for row in await rows(connection, numbers):
            await _verify_readable(connection, row["number"])
        raise


async def _verify_readable(connection: AsyncConnection, number: int) -> None:
    try:
        for row in await rows(connection, select(AUDIT).where(AUDIT.c.number == number)):
            audit_of(row)
    except (TypeError, ValueError, DBAPIError):
        raise AuditBroken(f"Row {number} was altered and cannot be read.") from None


async def find_proposal(connection: AsyncConnection, proposal_id: str) -> Proposal | None:
    """Return the proposal, or None."""
    if not PROPOSAL_ID.fullmatch(proposal_id):
        return None
    found = await rows(connection, select(PROPOSALS).where(PROPOSALS.c.proposal_id == proposal_id))
    return proposal_of(found[0]) if found else None


async def permission_uses(connection: AsyncConnection, client_id: str) -> Sequence[PermissionUse]:
    """Return what is known of the permissions of a client, by name."""
    if not CLIENT_ID.fullmatch(client_id):
        return []
    query = select(PERMISSION_USES).where(PERMISSION_USES.c.client_id == client_id)
    found = await rows(connection, query.order_by(PERMISSION_USES.c.permission))
    return [permission_use_of(row) for row in found]
