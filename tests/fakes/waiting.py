"""Waiting for what another task does, for as long as a busy machine may need for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


async def until(happened: Callable[[], object]) -> None:
    """Return once *happened* says so, asked again and again; raises ``TimeoutError`` in the end."""
    async with asyncio.timeout(30):
        while not happened():  # noqa: ASYNC110  # what happens has no event of its own
            await asyncio.sleep(0.002)
