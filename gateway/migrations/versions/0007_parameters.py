"""What a client may ask for beside what every client may."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    with op.batch_alter_table("clients") as batch:
        batch.add_column(sa.Column("parameters", sa.JSON, nullable=False, server_default="[]"))
    with op.batch_alter_table("clients") as batch:
        batch.alter_column("parameters", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("clients") as batch:
        batch.drop_column("parameters")
