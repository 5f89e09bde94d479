"""Bad credentials, counted for all processes together."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "lockouts",
        sa.Column("pair", sa.LargeBinary(16)),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("failed_at", sa.DateTime, nullable=False),
        sa.Column("locked_until", sa.DateTime, nullable=False),
        sa.Column("ends_at", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("pair", name="pk_lockouts"),
    )
    op.create_index("ix_lockouts_ends_at", "lockouts", ["ends_at"])


def downgrade() -> None:
    op.drop_table("lockouts")
