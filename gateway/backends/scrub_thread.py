"""A thread of its own for all scrubbing, so that a slow model never holds up the event loop.

It is one thread, since the scrubbing machine is not made for several at once. Work that is not done
in time fails the answer it belongs to.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from gateway.core.errors import ScrubFailed

_Result = TypeVar("_Result")


class ScrubThread:
    """A ``Workplace``: runs one piece of work after the other.

    Each has *seconds* from the moment it is asked for, the wait for its turn included.
    """

    def __init__(self, *, seconds: float) -> None:
        self._seconds = seconds
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="scrub")

    async def run(self, work: Callable[[], _Result]) -> _Result:
        """Return what *work* returns, or raise what it raises; ``ScrubFailed`` when it is late.

        Late work goes on until it returns by itself; nobody sees its result.
        """
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._seconds):
                return await loop.run_in_executor(self._executor, work)
        except TimeoutError:
            raise ScrubFailed from None

    def close(self) -> None:
        """Begin nothing more; work that runs is not waited for."""
        self._executor.shutdown(wait=False, cancel_futures=True)
