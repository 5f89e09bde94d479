"""The highest revision that this machine has seen of its store, in a file outside of the store.

A store below it is an old copy that somebody put back, and with it comes back what was withdrawn
since: so it is refused. The file never names a lower number than before, whoever writes it. That it
rises also tells the other processes of the machine of a change, sooner than they would look.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from gateway.core.errors import StoreUnavailable

_MAX_BYTES: Final = 32
_LOOK_SECONDS: Final = 0.05
"""Between two looks at the file, each of 10 µs: a change counts soon, a storm of them seldom."""

_FLAGS: Final = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


class HighWater:
    """The mark at *path*; the folder must be there before the first one is written."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> int:
        """Return the mark, 0 if there is none yet. Raises ``StoreUnavailable`` for no number."""
        try:
            with self._path.open("rb") as file:
                text = file.read(_MAX_BYTES + 1)
        except FileNotFoundError:
            return 0
        except OSError:
            raise StoreUnavailable(f"The file {self._path.name} cannot be read.") from None
        if not text:
            return 0  # made and not yet written when its writer was killed
        if not text.strip().isdigit():
            raise StoreUnavailable(f"The file {self._path.name} does not hold a number.")
        return int(text)

    def verify(self, revision: int, *, floor: int) -> None:
        """Raise ``StoreUnavailable``, which says what to do, for a store older than *floor*.

        *floor* is what :meth:`read` gave before *revision* was asked for, so that a change of that
        very moment is no fault.
        """
        if revision < floor:
            raise StoreUnavailable(
                f"An old copy of the store was put back: it is at change {revision}, and this "
                f"machine has seen change {floor}. What was withdrawn since would be good again. "
                "Put the newest copy back; or run `sealgate backup FILE`, then `sealgate restore "
                "--force FILE`, which withdraws what cannot be known; to begin anew, delete "
                f"{self._path.name} in the state directory."
            )

    async def wait_for_rise(self, known: int, seconds: float) -> None:
        """Return once the mark is above *known*, or after *seconds*. Raises nothing.

        A hint and nothing more: a mark that could not be written does not rise.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while True:
                    await asyncio.sleep(_LOOK_SECONDS)
                    if self._is_above(known):
                        return

    def raise_to(self, revision: int) -> None:
        """Remember *revision* unless a higher one is, durable when the call returns.

        What cannot be written now is left: the next change says it again.
        """
        with suppress(OSError), os.fdopen(os.open(self._path, _FLAGS, 0o600), "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            text = file.read(_MAX_BYTES)
            if text.strip().isdigit() and int(text) >= revision:
                return
            # One short write in place: it never shrinks, so there is no moment without a number.
            file.seek(0)
            file.write(b"%d\n" % revision)
            file.flush()
            os.fsync(file.fileno())

    def _is_above(self, known: int) -> bool:
        try:
            return self.read() > known
        except StoreUnavailable:
            return False
