"""A new configuration for a gateway of one process, as far as it can change while that serves.

All of a change is served or nothing of it: one that has a fault, or a part that counts only in a
process that starts with it, is refused with its reason, and the old configuration is served on.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

from gateway.configured_rules import sections_of_start
from gateway.control.background import BackgroundTasks
from gateway.core.errors import StoreUnavailable
from gateway.settings import Configuration, SettingsError

_SERVED: Final = "the new configuration is served"
_REFUSED: Final = "the new configuration is refused, the old one is served on"

Adopt = Callable[[Configuration], Awaitable[None]]
"""Serves by a configuration from now on. Raises ``StoreUnavailable``, and then nothing changed."""


class Reload:
    """Goes from *configuration* to what *load* returns, each time it is asked to.

    *load* raises ``SettingsError``. *tell* gets each line for the operator, *note_refused* whether
    the newest configuration is not served. Belongs to one event loop.
    """

    def __init__(
        self,
        configuration: Configuration,
        load: Callable[[], Configuration],
        *,
        tell: Callable[[str], None],
        note_refused: Callable[[bool], None],
    ) -> None:
        self._configuration = configuration
        self._load = load
        self._tell = tell
        self._note_refused = note_refused
        self._asked = asyncio.Event()

    def ask(self) -> None:
        """Have the configuration read anew, at once or when the gateway serves."""
        self._asked.set()

    @asynccontextmanager
    async def watching(self, adopt: Adopt) -> AsyncIterator[None]:
        """Do as asked, by *adopt*, until the end of the block."""
        background = BackgroundTasks()
        background.every(0.0, partial(self._when_asked, adopt))
        try:
            yield
        finally:
            await background.close()

    async def _when_asked(self, adopt: Adopt) -> None:
        await self._asked.wait()
        self._asked.clear()
        faults = await self._change(adopt)
        for line in faults:
            self._tell(line)
        self._tell(_REFUSED if faults else _SERVED)
        self._note_refused(bool(faults))

    async def _change(self, adopt: Adopt) -> list[str]:
        """Serve by the configuration as it is now, or return why not."""
        try:
            newest = await asyncio.to_thread(self._load)
        except SettingsError as error:
            return error.faults
        sections = sections_of_start(self._configuration.settings, newest.settings)
        if sections:
            return [f"{name}: changes when the gateway is started anew" for name in sections]
        try:
            await adopt(newest)
        except StoreUnavailable as error:
            return [error.detail]
        self._configuration = newest
        return []
