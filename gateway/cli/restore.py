"""``sealgate restore``: put a backup back, without what was withdrawn since it was made."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer

from gateway.backends.backup_files import read_lines
from gateway.backends.database.backup import read_rows, replacing
from gateway.backends.database.rows import client_of
from gateway.backends.database.schema import verify_schema
from gateway.backends.database.store import DatabaseStore
from gateway.backends.database.tables import CLIENTS
from gateway.backends.high_water import HighWater
from gateway.cli.session import Session
from gateway.configured_room import open_control, utc_now
from gateway.control.actors import LocalOperator
from gateway.control.restoring import (
    JUMP,
    Restored,
    is_successor,
    put_rights_back,
    withdraw_unknown,
)
from gateway.core.backup import BackupHead, BackupReader
from gateway.core.errors import Conflict, MalformedRequest, StoreUnavailable
from gateway.core.registry import StoredClient
from gateway.settings import Configuration, load_configuration


def restore(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="What `sealgate backup` wrote.")],
    force: Annotated[
        bool, typer.Option("--force", help="Change a store that has clients already.")
    ] = False,
    nothing_withdrawn: Annotated[
        bool,
        typer.Option(
            "--nothing-withdrawn-since",
            help="You vouch that nothing was withdrawn after the backup; the trail will say so.",
        ),
    ] = False,
) -> None:
    """Put the backup FILE back; all of it or, if this is interrupted, nothing.

    Where the present store goes on from the backup, the rights of clients are put back, and what
    was withdrawn since stays so; who was changed since is disabled. Where it does not, or is empty,
    the backup takes its place: all tokens and encryption keys are withdrawn, and all clients,
    credentials and other keys too unless you vouch for them.
    """
    session: Session = context.obj
    configuration = load_configuration(session.config_path)
    restored = asyncio.run(
        _restore(session, configuration, file, force=force, nothing_withdrawn=nothing_withdrawn)
    )
    what = "The rights of clients are" if restored.merged else "The backup is"
    sys.stdout.write(f"{what} back.\n")
    for client_id in restored.disabled:
        sys.stdout.write(f"disabled, look at it and enable it: {client_id}\n")


async def _restore(
    session: Session,
    configuration: Configuration,
    file: Path,
    *,
    force: bool,
    nothing_withdrawn: bool,
) -> Restored:
    url, mark = configuration.at.database_url, HighWater(configuration.at.high_water_file)
    await verify_schema(url)
    floor = mark.read()
    head, clients = _read(file)
    store = DatabaseStore.open(url)  # an old copy is taken for what it is
    try:
        present = await store.load()
        goes_on = present.revision >= floor and await is_successor(store, head.audit)
    finally:
        await store.close()
    if present.clients and not force:
        raise Conflict("The store has clients already; --force puts the backup back all the same.")
    actor = LocalOperator()
    if goes_on:
        room = await open_control(session.config_path)
        try:
            return await put_rights_back(room.acts, actor, clients, head=head.audit)
        finally:
            await room.close()
    async with replacing(url, read_lines(file), above=floor, jump=JUMP) as replacement:
        restored = await withdraw_unknown(
            replacement.change,
            actor,
            head=replacement.head.audit,
            at=utc_now(),
            nothing_withdrawn=nothing_withdrawn,
        )
    mark.raise_to(replacement.revision)
    await _make_keys(session)
    return restored


async def _make_keys(session: Session) -> None:
    """Make keys in the place of the withdrawn ones, which a start of the gateway does else."""
    try:
        room = await open_control(session.config_path)
        try:
            await room.keys.ensure_first()
        finally:
            await room.close()
    except StoreUnavailable as error:
        sys.stderr.write(f"sealgate: the backup is back, but not its keys: {error.detail}\n")


def _read(file: Path) -> tuple[BackupHead, dict[str, StoredClient]]:
    """Return the head and the clients of a backup that is whole."""
    reader = BackupReader()
    rows = [row for table, row in read_rows(read_lines(file), reader) if table is CLIENTS]
    try:
        clients = [client_of(row) for row in rows]
    except (ValueError, TypeError, KeyError):
        raise MalformedRequest("The backup has a client that this version cannot read.") from None
    return reader.finish(), {stored.client.client_id: stored for stored in clients}
