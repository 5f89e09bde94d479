"""Background tasks: the one place of the control plane that catches any exception.

A task that fails is logged by the class of its error alone and tried again at its next turn, so one
bad moment of the store does not end cleaning up for good. One that goes on failing is logged once a
minute: a full disk, which many tasks meet twice a second, is not to be filled with that.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Protocol

from gateway.core.events import Event

_LOGGER = logging.getLogger(__name__)
_ASK_SECONDS = 1.0
_TELL_SECONDS = 60.0  # between two lines of the same failure


class Upkeep(Protocol):
    """Which of the processes that share a state does what only one of them has to do."""

    def is_ours(self) -> bool:
        """Return whether this process does it now. Never waits."""

    def close(self) -> None:
        """Leave it to another process."""


class OnlyProcess:
    """The ``Upkeep`` of a process that shares its state with nobody."""

    def is_ours(self) -> bool:
        """Return True."""
        return True

    def close(self) -> None:
        """Do nothing."""


class BackgroundTasks:
    """A set of tasks that run until :meth:`close`. Belongs to one event loop."""

    def __init__(self) -> None:
        self._tasks: list[asyncio.Task[None]] = []

    def every(
        self,
        interval_seconds: float,
        work: Callable[[], Awaitable[object]],
        *,
        is_ours: Callable[[], bool] = lambda: True,
    ) -> None:
        """Run *work* now and then again *interval_seconds* after each end.

        While *is_ours* says that another process does it, only that is asked, once a second.
        """
        self._tasks.append(asyncio.create_task(_repeat(work, interval_seconds, is_ours)))

    async def close(self) -> None:
        """Cancel all tasks and wait until they have stopped."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task
        self._tasks.clear()


async def _repeat(
    work: Callable[[], Awaitable[object]], interval_seconds: float, is_ours: Callable[[], bool]
) -> None:
    told: dict[str, float] = {}  # when each class of error was logged
    while True:
        while not is_ours():  # noqa: ASYNC110  # what ends it happens in another process
            await asyncio.sleep(min(interval_seconds, _ASK_SECONDS))
        try:
            await work()
        except Exception as error:  # noqa: BLE001 — the background-task border
            kind, now = type(error).__name__, asyncio.get_running_loop().time()
            if now - told.get(kind, -_TELL_SECONDS) >= _TELL_SECONDS:
                told[kind] = now
                # Never the text: an error of a driver may quote the values of a statement.
                _LOGGER.error(Event.TASK_FAILED, extra={"kind": kind})  # noqa: TRY400
        await asyncio.sleep(interval_seconds)
