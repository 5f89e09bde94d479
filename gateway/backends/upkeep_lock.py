"""Which process of a host does the upkeep of the state: the one that holds the lock on a file.

The kernel gives the lock back when the process ends, however it ends, so nobody has to find out
who is alive.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path


class UpkeepLock:
    """A lock on the file at *path*, which is made if it is missing and never removed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None
        self._is_closed = False

    def is_ours(self) -> bool:
        """Return whether this process holds the lock, after trying to take it. Never waits.

        A file that cannot be opened is nobody's lock: upkeep is done twice rather than not at all.
        """
        if self._is_closed:
            return False
        if self._file is None:
            try:
                self._file = self._take()
            except BlockingIOError:
                return False
            except OSError:
                return True
        return True

    def close(self) -> None:
        """Give the lock back for good; it is not taken again."""
        self._is_closed = True
        file, self._file = self._file, None
        if file is not None:
            with suppress(OSError):
                os.close(file)

    def _take(self) -> int:
        flags = os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
        file = os.open(self._path, flags, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(file)
            raise
        return file
