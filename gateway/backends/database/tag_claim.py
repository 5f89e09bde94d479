"""What a replay store hands to the table of tags, in whatever database that is."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple, Protocol


class TagClaim(NamedTuple):
    """A tag, until when it is claimed (seconds since 1970), and where the outcome goes."""

    tag: bytes
    until_seconds: int
    answer: asyncio.Future[bool]


class TagTable(Protocol):
    """A table of tags that several processes share."""

    async def insert(
        self, claims: Sequence[TagClaim], *, now: int, forget_at_most: int
    ) -> list[bool]:
        """Write *claims* in one transaction; return which were new.

        A tag whose time was over before *now* is new again; up to *forget_at_most* of those go.
        Raises ``StoreUnavailable`` when it is not known which were written.
        """

    async def close(self) -> None:
        """Give everything back."""
