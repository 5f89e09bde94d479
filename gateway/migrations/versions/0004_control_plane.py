"""Grants by operation, kinds of credentials, audit trail, proposals, use of permissions."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_OPERATIONS = ("chat_completions", "completions")
_UNLIMITED = {
    "requests_per_minute": None,
    "requests_per_day": None,
    "tokens_per_minute": None,
    "tokens_per_day": None,
    "concurrent_streams": None,
}


def upgrade() -> None:
    with op.batch_alter_table("clients") as batch:
        batch.alter_column("models", new_column_name="grants")
        batch.add_column(_filled("data_class", sa.String(16), "internal"))
        batch.add_column(_filled("token_binding", sa.String(16), "none"))
        batch.add_column(_filled("quota", sa.JSON, json.dumps(_UNLIMITED)))
        batch.add_column(_filled("withheld", sa.JSON, "[]"))
        batch.add_column(_filled("version", sa.Integer, "1"))
    _rewrite_grants(lambda models: [[m, name] for m in sorted(models) for name in _OPERATIONS])
    with op.batch_alter_table("clients") as batch:
        for column in ("data_class", "token_binding", "quota", "withheld", "version"):
            batch.alter_column(column, server_default=None)
    with op.batch_alter_table("credentials") as batch:
        batch.alter_column("secret_hash", new_column_name="verifier", type_=sa.Text)
        batch.add_column(_filled("kind", sa.String(32), "client_secret_basic"))
    with op.batch_alter_table("credentials") as batch:
        batch.alter_column("kind", server_default=None)
    number = sa.Column("audit_number", sa.Integer, nullable=False, server_default="0")
    digest = sa.Column("audit_digest", sa.String(64), nullable=False, server_default="0" * 64)
    op.add_column("revision", number)
    op.add_column("revision", digest)
    op.create_table(
        "audit",
        sa.Column("number", sa.Integer, autoincrement=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("actor", sa.String(128), nullable=False),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("target", sa.String(256), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("request_id", sa.String(64), nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_audit"),
    )
    op.create_table(
        "proposals",
        sa.Column("proposal_id", sa.String(64)),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("parameters", sa.Text, nullable=False),
        sa.Column("proposer", sa.String(128), nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("expires_at", sa.DateTime, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("decided_by", sa.String(128), nullable=True),
        sa.Column("decided_at", sa.DateTime, nullable=True),
        sa.PrimaryKeyConstraint("proposal_id", name="pk_proposals"),
    )
    op.create_table(
        "permission_uses",
        sa.Column("client_id", sa.String(64)),
        sa.Column("permission", sa.String(256)),
        sa.Column("granted_on", sa.Date, nullable=False),
        sa.Column("last_used_on", sa.Date, nullable=True),
        sa.PrimaryKeyConstraint("client_id", "permission", name="pk_permission_uses"),
        sa.ForeignKeyConstraint(
            ["client_id"], ["clients.client_id"], name="fk_permission_uses_client_id"
        ),
    )


def downgrade() -> None:
    op.drop_table("permission_uses")
    op.drop_table("proposals")
    op.drop_table("audit")
    with op.batch_alter_table("revision") as batch:
        batch.drop_column("audit_digest")
        batch.drop_column("audit_number")
    op.execute("DELETE FROM credentials WHERE kind <> 'client_secret_basic'")
    with op.batch_alter_table("credentials") as batch:
        batch.drop_column("kind")
        batch.alter_column("verifier", new_column_name="secret_hash", type_=sa.String(255))
    _rewrite_grants(lambda grants: sorted({model for model, _ in grants}))
    with op.batch_alter_table("clients") as batch:
        for column in ("version", "withheld", "quota", "token_binding", "data_class"):
            batch.drop_column(column)
        batch.alter_column("grants", new_column_name="models")


def _filled(name, kind, default):
    return sa.Column(name, kind, nullable=False, server_default=default)


def _rewrite_grants(rewrite) -> None:
    clients = sa.table("clients", sa.column("client_id"), sa.column("grants", sa.JSON))
    connection = op.get_bind()
    for client_id, grants in connection.execute(sa.select(clients)).all():
        row = clients.c.client_id == client_id
        connection.execute(sa.update(clients).where(row).values(grants=rewrite(grants)))
