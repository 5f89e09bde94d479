"""Alembic's entry: run the migrations on the connection that the caller opened.

There is no ``alembic.ini`` and no offline mode; ``gateway.backends.database.upgrade`` is the only
caller.
"""

from __future__ import annotations

from alembic import context

from gateway.backends.database.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,  # SQLite cannot alter a column in place
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
