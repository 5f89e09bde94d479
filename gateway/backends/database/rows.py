"""Between the control plane's values and the rows of the tables, in both directions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Any

from sqlalchemy import JSON

from gateway.backends.database.tables import CLIENTS
from gateway.core.audit import AuditEntry, AuditRow, Outcome
from gateway.core.grants import DataClass, Grant, Operation, Parameter, Quota, TokenBinding
from gateway.core.identity import Client, Role
from gateway.core.keyring import KeyAlgorithm, KeyState, KeyUse, StoredKey
from gateway.core.registry import (
    Credential,
    CredentialKind,
    PermissionUse,
    Proposal,
    ProposalState,
    Revocation,
    RevocationKind,
    StoredClient,
)
from gateway.core.scrub_rules import read_scrub_rules
from gateway.core.shaping import parse_shaping

Row = Mapping[str, Any]
RevocationKey = tuple[str, str, datetime, datetime | None]
"""The columns of a revocation as the database has them, times in UTC without a zone."""

ClientKey = tuple[str | int | datetime, ...]
"""The columns of a client as the database has them, JSON as text and times without a zone."""


def client_row(stored: StoredClient) -> Row:
    """Return the columns of a client."""
    client = stored.client
    return {
        "client_id": client.client_id,
        "role": client.role.value,
        "grants": sorted([grant.model, grant.operation.value] for grant in client.grants),
        "networks": [str(network) for network in client.networks],
        "plaintext_allowed": client.plaintext_allowed,
        "disabled": client.disabled,
        "shaping": str(client.shaping),
        "data_class": client.data_class.value,
        "token_binding": client.token_binding.value,
        "quota": asdict(client.quota),
        "withheld": sorted(client.withheld),
        "scrubbing": client.scrubbing.as_written(),
        "masks_requests": client.masks_requests,
        "parameters": sorted(client.parameters),
        "limits": dict(client.limits),
        "extra_members": sorted(client.extra_members),
        "version": stored.version,
        "created_at": stored.created_at,
        "changed_at": stored.changed_at,
    }


def client_of(row: Row) -> StoredClient:
    """Return the client that a row holds."""
    client = Client(
        client_id=row["client_id"],
        role=Role(row["role"]),
        grants=frozenset(Grant(model, Operation(name)) for model, name in row["grants"]),
        networks=tuple(ip_network(network) for network in row["networks"]),
        plaintext_allowed=row["plaintext_allowed"],
        disabled=row["disabled"],
        shaping=parse_shaping(row["shaping"]),
        data_class=DataClass(row["data_class"]),
        token_binding=TokenBinding(row["token_binding"]),
        quota=Quota(**row["quota"]),
        withheld=frozenset(row["withheld"]),
        scrubbing=read_scrub_rules(row["scrubbing"]),
        masks_requests=row["masks_requests"],
        parameters=frozenset(Parameter(name) for name in row["parameters"]),
        limits=row["limits"],
        extra_members=frozenset(row["extra_members"]),
    )
    return StoredClient(
        client,
        created_at=row["created_at"],
        changed_at=row["changed_at"],
        version=row["version"],
    )


def client_of_key(key: ClientKey) -> StoredClient:
    """Return the client whose columns *key* holds."""
    row: dict[str, Any] = {}
    for column, value in zip(CLIENTS.columns, key, strict=True):
        if isinstance(value, datetime):
            row[column.name] = value.replace(tzinfo=UTC)
        elif isinstance(value, str) and isinstance(column.type, JSON):
            row[column.name] = json.loads(value)
        else:
            row[column.name] = value
    return client_of(row)


def credential_row(credential: Credential) -> Row:
    """Return the columns of a credential."""
    return asdict(credential) | {"kind": credential.kind.value}


def credential_of(row: Row) -> Credential:
    """Return the credential that a row holds."""
    return Credential(**{**row, "kind": CredentialKind(row["kind"])})


def key_row(key: StoredKey) -> Row:
    """Return the columns of a key, its sequence number left to the database."""
    row = asdict(key)
    return row | {"use": key.use.value, "algorithm": key.algorithm.value, "state": key.state.value}


def key_of(row: Row) -> StoredKey:
    """Return the key that a row holds."""
    columns = {name: value for name, value in row.items() if name != "sequence"}
    columns["use"] = KeyUse(row["use"])
    columns["algorithm"] = KeyAlgorithm(row["algorithm"])
    columns["state"] = KeyState(row["state"])
    return StoredKey(**columns)


def revocation_row(revocation: Revocation) -> Row:
    """Return the columns of a revocation."""
    return asdict(revocation) | {"kind": revocation.kind.value}


def revocation_of(row: Row) -> Revocation:
    """Return the revocation that a row holds."""
    return Revocation(
        RevocationKind(row["kind"]),
        row["subject"],
        revoked_at=row["revoked_at"],
        expires_at=row["expires_at"],
    )


def revocation_of_key(key: RevocationKey) -> Revocation:
    """Return the revocation whose columns *key* holds."""
    kind, subject, revoked_at, expires_at = key
    return Revocation(
        RevocationKind(kind),
        subject,
        revoked_at=revoked_at.replace(tzinfo=UTC),
        expires_at=None if expires_at is None else expires_at.replace(tzinfo=UTC),
    )


def audit_row(row: AuditRow) -> Row:
    """Return the columns of a row of the audit trail."""
    columns = asdict(row.entry) | {"outcome": row.entry.outcome.value}
    return columns | {"number": row.number, "digest": row.digest}


def audit_of(row: Row) -> AuditRow:
    """Return the row of the audit trail that a row of the table holds.

    Raises ``ValueError`` when somebody put something else into a column: SQLite stores anything.
    """
    columns = {name: value for name, value in row.items() if name not in {"number", "digest"}}
    texts = [value for name, value in row.items() if name not in {"number", "at"}]
    if not isinstance(row["at"], datetime) or not all(isinstance(text, str) for text in texts):
        raise ValueError("a column holds a value of another type")
    columns["outcome"] = Outcome(row["outcome"])
    return AuditRow(row["number"], AuditEntry(**columns), row["digest"])


def proposal_row(proposal: Proposal) -> Row:
    """Return the columns of a proposal."""
    return asdict(proposal) | {"state": proposal.state.value}


def proposal_of(row: Row) -> Proposal:
    """Return the proposal that a row holds."""
    return Proposal(**{**row, "state": ProposalState(row["state"])})


def permission_use_row(use: PermissionUse) -> Row:
    """Return the columns of the use of a permission."""
    return asdict(use)


def permission_use_of(row: Row) -> PermissionUse:
    """Return the use of a permission that a row holds."""
    return PermissionUse(**row)
