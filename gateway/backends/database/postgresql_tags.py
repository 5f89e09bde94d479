"""Tags of recent requests in PostgreSQL: one statement for all claims that wait together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import asyncpg
from sqlalchemy.engine import URL

from gateway.backends.batched_replay import TagClaim
from gateway.backends.database.postgresql import (
    DRIVER_ERRORS,
    connect_arguments,
    parse_access,
)
from gateway.core.errors import StoreUnavailable

_STATEMENT_SECONDS: Final = 0.7  # the caller hears within a second
_CLAIM: Final = (
    "INSERT INTO replay_tags (tag, until) SELECT * FROM unnest($1::bytea[], $2::integer[]) "
    "ON CONFLICT (tag) DO UPDATE SET until = excluded.until WHERE replay_tags.until < $3 "
    "RETURNING tag"
)
_FORGET: Final = (
    "DELETE FROM replay_tags WHERE tag IN "
    "(SELECT tag FROM replay_tags WHERE until < $1 LIMIT $2 FOR UPDATE SKIP LOCKED)"
)


class PostgresqlTags:
    """The table of tags in a PostgreSQL database whose schema is up to date. A ``TagTable``.

    Belongs to one caller at a time.
    """

    def __init__(self, url: URL) -> None:
        access = parse_access(url)
        self._arguments = connect_arguments(access, statement_seconds=_STATEMENT_SECONDS)
        self._connection: asyncpg.Connection | None = None

    async def insert(
        self, claims: Sequence[TagClaim], *, now: int, forget_at_most: int
    ) -> list[bool]:
        """Write *claims* in one transaction; return which were new."""
        # One statement may touch a row once; in the order of the tags no two wait for each other.
        first = {claim.tag: position for position, claim in reversed(list(enumerate(claims)))}
        tags = sorted(first)
        untils = [claims[first[tag]].until_seconds for tag in tags]
        try:
            connection = await self._connect()
            async with connection.transaction():
                taken = await connection.fetch(_CLAIM, tags, untils, now)
                await connection.execute(_FORGET, now, forget_at_most)
        except (*DRIVER_ERRORS, OSError):
            self._disconnect()
            raise StoreUnavailable from None
        except BaseException:
            self._disconnect()
            raise
        fresh = {first[row["tag"]] for row in taken}
        return [position in fresh for position in range(len(claims))]

    async def close(self) -> None:
        """Close the connection, at once if the server does not answer."""
        self._disconnect()
        await asyncio.sleep(0)  # the transport closes in the next round of the loop

    async def _connect(self) -> asyncpg.Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await asyncpg.connect(**self._arguments)
        return self._connection

    def _disconnect(self) -> None:
        """Drop the connection without a word, for which a hung server would have to be waited."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()
