"""How a client's streams leave."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    shaping = sa.Column("shaping", sa.String(16), nullable=False, server_default="none")
    op.add_column("clients", shaping)


def downgrade() -> None:
    with op.batch_alter_table("clients") as batch:
        batch.drop_column("shaping")
