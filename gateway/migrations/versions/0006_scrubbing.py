"""Which form found values get in a client's answers, and whether its requests are masked."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    with op.batch_alter_table("clients") as batch:
        batch.add_column(_filled("scrubbing", sa.JSON, "{}"))
        batch.add_column(_filled("masks_requests", sa.Boolean, sa.false()))
    with op.batch_alter_table("clients") as batch:
        batch.alter_column("scrubbing", server_default=None)
        batch.alter_column("masks_requests", server_default=None)


def downgrade() -> None:
    keys = sa.table("keys", sa.column("use"))
    op.execute(sa.delete(keys).where(keys.c.use == "pseudonym"))
    with op.batch_alter_table("clients") as batch:
        batch.drop_column("masks_requests")
        batch.drop_column("scrubbing")


def _filled(name, kind, default):
    return sa.Column(name, kind, nullable=False, server_default=default)
