"""The tables. The migrations build the same, which a test compares.

Grants are JSON columns: they are read and written whole, and nothing ever searches in them.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime in UTC, on databases that know no time zones too."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(
        self,
        value: datetime | None,
        dialect: Dialect,  # noqa: ARG002 — SQLAlchemy passes it by name
    ) -> datetime | None:
        """Store UTC without the zone; a naive datetime is our bug and raises ``ValueError``."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("times in the store are aware")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(
        self,
        value: datetime | None,
        dialect: Dialect,  # noqa: ARG002 — SQLAlchemy passes it by name
    ) -> datetime | None:
        """Give the zone back."""
        return None if value is None else value.replace(tzinfo=UTC)


METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

REVISION = Table(
    "revision",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("value", Integer, nullable=False),
    Column("document_seq", Integer, nullable=False, server_default="0"),
    Column("audit_number", Integer, nullable=False, server_default="0"),
    Column("audit_digest", String(64), nullable=False, server_default="0" * 64),
    CheckConstraint("id = 1", name="single_row"),
)

CLIENTS = Table(
    "clients",
    METADATA,
    Column("client_id", String(64), primary_key=True),
    Column("role", String(16), nullable=False),
    Column("grants", JSON, nullable=False),
    Column("networks", JSON, nullable=False),
    Column("plaintext_allowed", Boolean, nullable=False),
    Column("disabled", Boolean, nullable=False),
    Column("shaping", String(16), nullable=False, server_default="none"),
    Column("data_class", String(16), nullable=False),
    Column("token_binding", String(16), nullable=False),
    Column("quota", JSON, nullable=False),
    Column("withheld", JSON, nullable=False),
    Column("scrubbing", JSON, nullable=False),
    Column("masks_requests", Boolean, nullable=False),
    Column("parameters", JSON, nullable=False),
    Column("limits", JSON, nullable=False),
    Column("extra_members", JSON, nullable=False),
    Column("version", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
)

CREDENTIALS = Table(
    "credentials",
    METADATA,
    Column("credential_id", String(64), primary_key=True),
    Column("client_id", String(64), ForeignKey("clients.client_id"), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("verifier", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("revoked_at", UtcDateTime, nullable=True),
    Index("ix_credentials_client_id", "client_id"),
)

KEYS = Table(
    "keys",
    METADATA,
    Column("sequence", Integer, primary_key=True, autoincrement=True),
    Column("kid", String(64), nullable=False, unique=True),
    Column("use", String(16), nullable=False),
    Column("algorithm", String(32), nullable=False),
    Column("state", String(16), nullable=False),
    Column("key_id", Integer, nullable=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("activated_at", UtcDateTime, nullable=True),
    Column("retires_at", UtcDateTime, nullable=True),
    Column("revoked_at", UtcDateTime, nullable=True),
    Column("public", LargeBinary, nullable=False),
    Column("wrapped_private", LargeBinary, nullable=True),
    Column("activates_at", UtcDateTime, nullable=True),
    Column("drain", Boolean, nullable=False, server_default="0"),
)

REVOCATIONS = Table(
    "revocations",
    METADATA,
    Column("kind", String(16), primary_key=True),
    Column("subject", String(128), primary_key=True),
    Column("revoked_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=True),
)

REPLAY_TAGS = Table(
    "replay_tags",
    METADATA,
    Column("tag", LargeBinary(16), primary_key=True),
    Column("until", Integer, nullable=False),  # seconds since 1970, for cheap comparing
    Index("ix_replay_tags_until", "until"),
    sqlite_with_rowid=False,
)

AUDIT = Table(
    "audit",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", String(128), nullable=False),
    Column("action", String(64), nullable=False),
    Column("target", String(256), nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("request_id", String(64), nullable=False),
    Column("detail", Text, nullable=False),
    Column("digest", String(64), nullable=False),
)

PROPOSALS = Table(
    "proposals",
    METADATA,
    Column("proposal_id", String(64), primary_key=True),
    Column("action", String(64), nullable=False),
    Column("parameters", Text, nullable=False),
    Column("proposer", String(128), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("state", String(16), nullable=False),
    Column("decided_by", String(128), nullable=True),
    Column("decided_at", UtcDateTime, nullable=True),
)

DRAINED_BACKENDS = Table(
    "drained_backends",
    METADATA,
    Column("backend", String(64), primary_key=True),
)

PERMISSION_USES = Table(
    "permission_uses",
    METADATA,
    Column("client_id", String(64), ForeignKey("clients.client_id"), primary_key=True),
    Column("permission", String(256), primary_key=True),
    Column("granted_on", Date, nullable=False),
    Column("last_used_on", Date, nullable=True),
)

LOCKOUTS = Table(
    "lockouts",
    METADATA,
    Column("pair", LargeBinary(16), primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("failed_at", UtcDateTime, nullable=False),
    Column("locked_until", UtcDateTime, nullable=False),
    Column("ends_at", UtcDateTime, nullable=False),
    Index("ix_lockouts_ends_at", "ends_at"),
)

IDEMPOTENCY = Table(
    "idempotency",
    METADATA,
    Column("tag", String(64), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("claim_id", String(32), nullable=False),
    Column("claimed_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("answer", LargeBinary, nullable=True),
    Index("ix_idempotency_claim_id", "claim_id"),
    Index("ix_idempotency_expires_at", "expires_at"),
)
