"""Members of requests that no list of ours knows, let through for one client by name."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    with op.batch_alter_table("clients") as batch:
        batch.add_column(sa.Column("extra_members", sa.JSON, nullable=False, server_default="[]"))
    with op.batch_alter_table("clients") as batch:
        batch.alter_column("extra_members", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("clients") as batch:
        batch.drop_column("extra_members")
