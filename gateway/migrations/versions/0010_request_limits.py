"""How much a client's requests may ask for, in the place of the gateway's limits."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    with op.batch_alter_table("clients") as batch:
        batch.add_column(sa.Column("limits", sa.JSON, nullable=False, server_default="{}"))
    with op.batch_alter_table("clients") as batch:
        batch.alter_column("limits", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("clients") as batch:
        batch.drop_column("limits")
