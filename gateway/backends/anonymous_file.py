"""A file that has no name and lies in memory alone, for what the processes of one service share.

Nobody gets at it who was not handed the descriptor, and it is gone with the last process that has
it. Who may write, and who uses what, is told by locks, which the kernel takes back from a process
that ends, however it ends.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

MAX_USES: Final = 1 << 62
"""An offset in a file has 63 bits."""

_LOOK_SECONDS: Final = 0.02
_WRITER: Final = 0  # the byte whose lock says who may write; those behind it are for uses


class AnonymousFile:
    """One line in memory (memfd_create(2)), by the descriptor *file* or in a new one.

    Locks are of a process and not of a descriptor: a process has one such object for a file.
    """

    def __init__(self, file: int | None = None) -> None:
        self._file = os.memfd_create("sealgate") if file is None else file

    def read(self) -> bytes:
        """Return what was written last, empty in the beginning."""
        return os.pread(self._file, os.fstat(self._file).st_size, 0).partition(b"\n")[0]

    def write(self, line: bytes) -> None:
        """Replace what is there by *line*. Only inside of :meth:`locked`."""
        # The line has its end before what was longer is cut off: a reader never sees a mixture.
        os.pwrite(self._file, line + b"\n", 0)
        os.ftruncate(self._file, len(line) + 1)

    @asynccontextmanager
    async def locked(self, *, seconds: float) -> AsyncIterator[None]:
        """Keep all other processes from writing. Raises ``TimeoutError`` after *seconds*."""
        async with asyncio.timeout(seconds):
            while not self._lock(_WRITER, fcntl.LOCK_EX):  # noqa: ASYNC110  # the kernel tells nobody
                await asyncio.sleep(_LOOK_SECONDS)
        try:
            yield
        finally:
            self._unlock(_WRITER)

    def use(self, number: int) -> bool:
        """Note that this process uses what *number*, below ``MAX_USES``, stands for.

        False when the last of its users is giving it up.
        """
        return self._lock(1 + number, fcntl.LOCK_SH)

    def leave(self, number: int) -> bool:
        """Note that this process does not use it any more; return whether it was the last.

        Then nobody can use it again while this process lives.
        """
        self._unlock(1 + number)  # before the look: of two that leave at once one is the last
        return self._lock(1 + number, fcntl.LOCK_EX)

    def _lock(self, byte: int, kind: int) -> bool:
        try:
            fcntl.lockf(self._file, kind | fcntl.LOCK_NB, 1, byte)
        except (BlockingIOError, PermissionError):  # POSIX has either for another process's lock
            return False
        return True

    def _unlock(self, byte: int) -> None:
        fcntl.lockf(self._file, fcntl.LOCK_UN, 1, byte)
