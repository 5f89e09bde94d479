"""Part of stage 7: let the pieces of a stream leave when their client's shaping says so.

Most clients have none, and then this is not on the path at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator

from gateway.core.shaping import CellShaper, Coalescer

_MAX_HELD_BYTES = 65_536


async def shape(
    pieces: AsyncIterator[bytes], shaper: Coalescer | CellShaper
) -> AsyncGenerator[bytes, None]:
    """Yield the portions that *shaper* makes of *pieces*, each when it is due.

    While much is held nothing more is read, so a slow shape slows down the model server instead of
    filling memory. An error of *pieces* is raised at once; what is held then is dropped.
    """
    loop = asyncio.get_running_loop()
    arriving: asyncio.Future[bytes | None] | None = None
    try:
        while True:
            if arriving is None and shaper.held_bytes < _MAX_HELD_BYTES:
                arriving = asyncio.ensure_future(_next(pieces))
            await _wait(arriving, _until(shaper.due_at, loop.time()))
            if arriving is not None and arriving.done():
                piece, arriving = arriving.result(), None
                if piece is None:
                    break
                shaper.feed(piece, now=loop.time())
            if portion := shaper.take(now=loop.time()):
                yield portion
    finally:
        if arriving is not None:
            arriving.cancel()
            await asyncio.wait({arriving})
    if rest := shaper.finish():
        yield rest
    while shaper.held_bytes:
        await asyncio.sleep(_until(shaper.due_at, loop.time()) or 0)
        if portion := shaper.take(now=loop.time()):
            yield portion


async def _wait(arriving: asyncio.Future[bytes | None] | None, seconds: float | None) -> None:
    if arriving is not None:
        await asyncio.wait({arriving}, timeout=seconds)
    else:
        await asyncio.sleep(seconds or 0)


async def _next(pieces: AsyncIterator[bytes]) -> bytes | None:
    return await anext(pieces, None)


def _until(due_at: float | None, now: float) -> float | None:
    return None if due_at is None else max(0.0, due_at - now)
