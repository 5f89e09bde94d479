"""A portable copy of the store: out of SQLite or PostgreSQL, and into either, all or nothing.

What serves for a while is left out: tags of requests, kept answers, proposals, counts of bad
credentials, drained servers. Private keys stay wrapped as they are in the store.
"""

from __future__ import annotations

import base64
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import date, datetime
from itertools import groupby
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from sqlalchemy import Date, LargeBinary, Table, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.backends.database import queries
from gateway.backends.database.change import DatabaseChange
from gateway.backends.database.engine import (
    CHANGES_OPTION,
    connected,
    open_engine,
    truncate_log,
)
from gateway.backends.database.schema import present_schema
from gateway.backends.database.store import ONE_MOMENT, lock
from gateway.backends.database.tables import (
    AUDIT,
    CLIENTS,
    CREDENTIALS,
    IDEMPOTENCY,
    KEYS,
    PERMISSION_USES,
    PROPOSALS,
    REVISION,
    REVOCATIONS,
    UtcDateTime,
)
from gateway.core.audit import AuditHead
from gateway.core.backup import BackupHead, BackupReader, BackupRow, BackupWriter, Json
from gateway.core.errors import MalformedRequest, StoreUnavailable

TABLES: Final = (CLIENTS, CREDENTIALS, KEYS, REVOCATIONS, PERMISSION_USES, AUDIT)
"""What a backup has, each after those that it refers to."""

_ORDERS: Final = MappingProxyType({KEYS.name: "sequence", AUDIT.name: "number"})
_LEFT_TO_THE_DATABASE: Final = frozenset({KEYS.c.sequence})
_STATEMENT_SECONDS: Final = 600.0
_ROWS_AT_ONCE: Final = 500


async def copy_out(database_url: str, *, now: datetime) -> AsyncGenerator[bytes]:
    """Yield the lines of a backup of one moment, while others go on changing the store.

    Raises ``StoreUnavailable``.
    """
    engine = open_engine(database_url, statement_seconds=_STATEMENT_SECONDS)
    try:
        async with connected(engine) as connection:
            if connection.dialect.name == "postgresql":  # in SQLite every transaction reads so
                await connection.execution_options(**ONE_MOMENT)
            writer = BackupWriter()
            schema = await connection.run_sync(present_schema)
            (numbers,) = await queries.rows(connection, select(REVISION))
            audit = AuditHead(numbers["audit_number"], numbers["audit_digest"])
            yield writer.head(
                BackupHead(schema, now, numbers["value"], numbers["document_seq"], audit)
            )
            for table in TABLES:
                order = table.c[_ORDERS.get(table.name, next(iter(table.primary_key)).name)]
                rows = await connection.stream(select(table).order_by(order))
                async for row in rows.mappings():
                    yield writer.row(BackupRow(table.name, _encode(table, row)))
            yield writer.finish()
    finally:
        await engine.dispose()


class Replacement(NamedTuple):
    """A store that is being replaced by a backup: what is changed in it is part of the same."""

    change: DatabaseChange
    head: BackupHead
    revision: int


@asynccontextmanager
async def replacing(
    database_url: str, lines: Iterable[bytes], *, above: int, jump: int
) -> AsyncIterator[Replacement]:
    """Put a backup in the place of everything, in one transaction that the context ends.

    Left without an exception, the store is the backup and what was done to it inside; else, or
    when the process is killed, it is what it was. The revision is higher by *jump* than that of
    the backup, of the present store and *above*; so is the number of the key document, except for
    *above*. Tags of requests stay, and so does what the present store knows to be revoked. Raises
    ``MalformedRequest`` for a file that is no backup or one of other tables, ``StoreUnavailable``.
    """
    engine = open_engine(database_url, statement_seconds=_STATEMENT_SECONDS)
    try:
        async with connected(engine) as connection:
            await connection.execution_options(**{CHANGES_OPTION: True})
            async with connection.begin():
                present = await lock(connection, step=0)
                (numbers,) = await queries.rows(connection, select(REVISION))
                revoked = await queries.revocations(connection, {})
                for table in (IDEMPOTENCY, PROPOSALS, *reversed(TABLES)):
                    await connection.execute(delete(table))
                head = await _insert(connection, lines)
                revision = max(present, head.revision, above) + jump
                after = {
                    "value": revision,
                    "document_seq": max(numbers["document_seq"], head.document_seq) + jump,
                    "audit_number": head.audit.number,
                    "audit_digest": head.audit.digest,
                }
                await connection.execute(update(REVISION).values(after))
                change = DatabaseChange(connection)
                known = await queries.revocations(connection, {})
                for key in revoked.keys() - known.keys():
                    await change.add_revocation(revoked[key])
                yield Replacement(change, head, revision)
            await truncate_log(connection)
    finally:
        await engine.dispose()


def read_rows(
    lines: Iterable[bytes], reader: BackupReader
) -> Iterator[tuple[Table, Mapping[str, Any]]]:
    """Yield each row as its table has it. Raises ``MalformedRequest``, at the end for all of it."""
    tables = {table.name: table for table in TABLES}
    for line in lines:
        row = reader.feed(line)
        if row is not None:
            table = tables.get(row.table)
            if table is None:
                raise MalformedRequest(f"The backup has a table that is unknown: {row.table!a}.")
            yield table, _decode(table, row.values)
    reader.finish()


async def _insert(connection: AsyncConnection, lines: Iterable[bytes]) -> BackupHead:
    reader = BackupReader()
    schema = await connection.run_sync(present_schema)
    for table, group in groupby(read_rows(lines, reader), key=lambda pair: pair[0]):
        _verify_schema(reader, schema)
        while batch := [
            row for _, row in zip(range(_ROWS_AT_ONCE), (r for _, r in group), strict=False)
        ]:
            await connection.execute(insert(table), batch)
    _verify_schema(reader, schema)
    return reader.finish()


def _verify_schema(reader: BackupReader, schema: str) -> None:
    if reader.head is not None and reader.head.schema != schema:
        raise MalformedRequest(
            "The backup was made by another version of Sealgate; restore it with that one, then "
            "run `sealgate migrate`."
        )


def _encode(table: Table, row: Mapping[Any, Any]) -> dict[str, Json]:
    try:
        return {
            column.name: _to_json(row[column.name])
            for column in table.columns
            if column not in _LEFT_TO_THE_DATABASE
        }
    except (TypeError, ValueError):
        raise StoreUnavailable(f"A row of {table.name} holds a value of another type.") from None


def _to_json(value: Any) -> Json:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, date):  # a datetime is one
        return value.isoformat()
    if value is None or isinstance(value, bool | int | str | list | dict):
        return value
    raise TypeError


def _decode(table: Table, values: Mapping[str, Json]) -> dict[str, Any]:
    columns = [column for column in table.columns if column not in _LEFT_TO_THE_DATABASE]
    if values.keys() != {column.name for column in columns}:
        raise MalformedRequest(f"A row of {table.name} has other columns.")
    try:
        return {column.name: _of_json(column.type)(values[column.name]) for column in columns}
    except (TypeError, ValueError):
        raise MalformedRequest(f"A row of {table.name} holds a value of another type.") from None


def _of_json(kind: object) -> Callable[[Any], Any]:
    parsers: dict[type, Callable[[str], Any]] = {
        LargeBinary: lambda text: base64.b64decode(text, validate=True),
        UtcDateTime: datetime.fromisoformat,
        Date: date.fromisoformat,
    }
    parse = parsers.get(type(kind))
    if parse is None:
        return lambda value: value
    return lambda value: None if value is None else parse(value)
