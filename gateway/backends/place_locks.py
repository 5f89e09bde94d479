"""Places for answers under way, counted for all workers of a host by locks on bytes of files.

The kernel gives the places of a process back when it ends, however it ends, so no count can go
wrong and nobody has to find out who is alive. The files stay empty.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from gateway.core.errors import StoreUnavailable

MAX_PLACES: Final = 1 << 22
"""Places of one client that are told apart: far more than connections."""

_CLIENT_BYTES: Final = 5  # with the places 62 bits, and an offset in a file has 63

_FILES: Final = 16
"""Over which the places of a client are spread: the kernel goes through all locks on a file for
each of them, so with one file a look at a thousand places of others takes three times as long."""

_LONG_SECONDS: Final = 0.001
_PAUSES: Final = 20
"""A look in vain at a hundred places takes 0.2 ms and at a thousand two. One that took long is not
repeated for so many times as long."""


class PlaceLocks:
    """``AnswerPlaces`` on files in *directory*, made if they are missing and never removed.

    Locks are of a process and not of a descriptor: a process has one such object for a directory,
    and nothing else in it may open those files.
    """

    def __init__(
        self,
        directory: Path,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        working: Callable[[], float] = time.thread_time,
    ) -> None:
        self._directory = directory
        self._monotonic = monotonic
        self._working = working
        self._files: dict[int, int] = {}
        self._held: dict[str, set[int]] = {}
        self._full_until: dict[str, float] = {}

    def take(self, client_id: str, limit: int) -> int | None:
        """Return a place below *limit* that nobody has, or None. Raises ``StoreUnavailable``.

        The lowest one, so that a limit which an operator lowers counts what runs already. Where it
        took long to find that all are taken, a place that another process gives back may be found a
        moment late.
        """
        if self._full_until.get(client_id, 0.0) > self._monotonic():
            return None
        began = self._working()
        place = self._find(client_id, limit)
        took = self._working() - began
        if place is None and took > _LONG_SECONDS:
            self._full_until[client_id] = self._monotonic() + _PAUSES * took
        return place

    def give_back(self, client_id: str, place: int) -> None:
        """Let others have *place*. What the kernel keeps all the same, this process takes again."""
        self._full_until.pop(client_id, None)
        left = self._held.pop(client_id) - {place}
        if left:
            self._held[client_id] = left
        with suppress(OSError):
            byte = _first_byte(client_id) + place // _FILES
            fcntl.lockf(self._open(place % _FILES), fcntl.LOCK_UN, 1, byte)

    def _find(self, client_id: str, limit: int) -> int | None:
        held, first = self._held.get(client_id, set()), _first_byte(client_id)
        try:
            for place in range(min(limit, MAX_PLACES)):
                if place in held:
                    continue
                if _lock(self._open(place % _FILES), first + place // _FILES):
                    self._held[client_id] = held | {place}
                    return place
        except OSError:
            raise StoreUnavailable from None
        return None

    def _open(self, number: int) -> int:
        if number not in self._files:
            self._directory.mkdir(mode=0o700, exist_ok=True)
            flags = os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
            self._files[number] = os.open(self._directory / str(number), flags, 0o600)
        return self._files[number]


def _first_byte(client_id: str) -> int:
    named = hashlib.sha256(client_id.encode()).digest()[:_CLIENT_BYTES]
    return int.from_bytes(named) * MAX_PLACES


def _lock(file: int, byte: int) -> bool:
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, byte)
    except (BlockingIOError, PermissionError):  # POSIX has either for a lock of another process
        return False
    return True
