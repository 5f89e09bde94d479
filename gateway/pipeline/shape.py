"""Part of stage 7: let the pieces of a stream leave when their client's shaping says so.

Most clients have none, and then this is not on the path at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator

from gateway.core.shaping import CellShaper, Coalescer


async def shape(
    pieces: AsyncIterator[bytes], shaper: Coalescer | CellShaper
) -> AsyncGenerator[bytes, None]:
    """Yield the portions that *shaper* makes of *pieces*, each when it is due.

    Reads ahead by one piece at most beyond what the shaper holds. An error of *pieces* is raised at
    once; what is held then is dropped.
    """
    loop = asyncio.get_running_loop()
    arriving = asyncio.ensure_future(_next(pieces))
    try:
        while True:
            await asyncio.wait({arriving}, timeout=_until(shaper.due_at, loop.time()))
            if arriving.done():
                piece = arriving.result()
                if piece is None:
                    break
                shaper.feed(piece, now=loop.time())
                arriving = asyncio.ensure_future(_next(pieces))
            if portion := shaper.take(now=loop.time()):
                yield portion
    finally:
        arriving.cancel()
        await asyncio.wait({arriving})
    if rest := shaper.finish():
        yield rest
    while not shaper.is_empty:
        await asyncio.sleep(_until(shaper.due_at, loop.time()) or 0)
        if portion := shaper.take(now=loop.time()):
            yield portion


async def _next(pieces: AsyncIterator[bytes]) -> bytes | None:
    return await anext(pieces, None)


def _until(due_at: float | None, now: float) -> float | None:
    return None if due_at is None else max(0.0, due_at - now)
