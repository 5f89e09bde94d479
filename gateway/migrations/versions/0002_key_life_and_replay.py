"""Number of the key document, scheduled activation, draining, and tags against replay."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column(
        "revision", sa.Column("document_seq", sa.Integer(), nullable=False, server_default="0")
    )
    op.add_column("keys", sa.Column("activates_at", sa.DateTime(), nullable=True))
    op.add_column("keys", sa.Column("drain", sa.Boolean(), nullable=False, server_default="0"))
    op.create_table(
        "replay_tags",
        sa.Column("tag", sa.LargeBinary(16), nullable=False),
        sa.Column("until", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("tag", name="pk_replay_tags"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_replay_tags_until", "replay_tags", ["until"])


def downgrade() -> None:
    op.drop_table("replay_tags")
    with op.batch_alter_table("keys") as batch:
        batch.drop_column("drain")
        batch.drop_column("activates_at")
    with op.batch_alter_table("revision") as batch:
        batch.drop_column("document_seq")
