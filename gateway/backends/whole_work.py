"""Work on another thread that is never left half done: whoever is cancelled waits for its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


async def do_whole(work: Callable[[], None]) -> None:
    """Run *work* on another thread, to its end even if the caller is cancelled meanwhile.

    Raises what *work* does; a caller that was cancelled is told of that alone.
    """
    running = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        raise
