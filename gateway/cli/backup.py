"""``sealgate backup``: copy the store into a file while the gateway runs."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Annotated

import typer

from gateway.backends.backup_files import write_backup
from gateway.backends.database.backup import copy_out
from gateway.backends.database.schema import verify_schema
from gateway.backends.database.store import DatabaseStore
from gateway.cli.session import Session
from gateway.configured_room import utc_now
from gateway.control.actors import LocalOperator
from gateway.control.acts import Action
from gateway.core.audit import AuditEntry, Outcome
from gateway.settings import Configuration, load_configuration


def backup(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A new file, for SQLite and PostgreSQL the same.")],
    force: Annotated[bool, typer.Option("--force", help="Replace FILE if it is there.")] = False,
) -> None:
    """Write clients, credentials, keys, revocations and the audit trail to FILE, as of one moment.

    Private keys in it are wrapped as in the store; the key that wraps them is not in it. Keep both,
    and not in one place.
    """
    session: Session = context.obj
    asyncio.run(_backup(load_configuration(session.config_path), file, force=force))
    sys.stdout.write(f"The store is in {file}.\n")


async def _backup(configuration: Configuration, file: Path, *, force: bool) -> None:
    await verify_schema(configuration.at.database_url)
    await write_backup(file, _recorded_copy(configuration.at.database_url), replaces=force)


async def _recorded_copy(database_url: str) -> AsyncGenerator[bytes]:
    """Yield the lines of a backup once the audit trail says that it is made."""
    # An old copy that was put back is backed up too: that is the way out (see HighWater).
    store = DatabaseStore.open(database_url)
    actor = LocalOperator()
    entry = AuditEntry(
        at=utc_now(),
        actor=actor.name,
        action=Action.BACK_UP.value,
        target="store",
        outcome=Outcome.DONE,
        request_id=actor.request_id,
    )
    try:
        await store.note(entry)
    finally:
        await store.close()
    async with aclosing(copy_out(database_url, now=entry.at)) as lines:
        async for line in lines:
            yield line
