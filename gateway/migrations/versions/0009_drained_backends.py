"""The model servers that get no new calls."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "drained_backends",
        sa.Column("backend", sa.String(64)),
        sa.PrimaryKeyConstraint("backend", name="pk_drained_backends"),
    )


def downgrade() -> None:
    op.drop_table("drained_backends")
