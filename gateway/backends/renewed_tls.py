"""The TLS context of listeners, made anew from its files when these change.

New handshakes get the new certificate; connections that are open keep what they began with, and
their sessions are resumed no more. Files that do not belong together are not used: what was there
before is served on, and that is told.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from gateway.core.errors import StoreUnavailable

LOOK_SECONDS: Final = 2.0
"""Between two looks at the files; so new ones count within five seconds on a busy machine too."""

_Stamp = tuple[tuple[int, int, int] | None, ...]


class _Front(ssl.SSLContext):
    """What listeners hold: every connection is one of *newest*, its keys for sessions included.

    A callback in the handshake comes too late: by then OpenSSL has resumed a session of before,
    with a client certificate that nobody may vouch for any more.
    """

    newest: ssl.SSLContext

    def wrap_bio(  # noqa: PLR0917  # the signature is that of the library
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,  # noqa: FBT001, FBT002
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        """Return the end of a connection of the newest context."""
        return self.newest.wrap_bio(incoming, outgoing, server_side, server_hostname, session)


class RenewedTls:
    """A context for listeners, :attr:`context`, behind which there is always the newest good one.

    *load* makes a context from *files*, and raises ``OSError`` (``ssl.SSLError`` is one) or
    ``StoreUnavailable``. *report* is told why new files cannot be used, or None once they can.
    """

    def __init__(
        self,
        load: Callable[[], ssl.SSLContext],
        files: Sequence[Path],
        report: Callable[[str | None], None],
    ) -> None:
        self._load = load
        self._files = tuple(files)
        self._report = report
        self._stamp = self._look()
        self._refused: _Stamp | None = None
        self._asked = asyncio.Event()
        self._front = _Front(ssl.PROTOCOL_TLS_SERVER)
        self._front.newest = load()

    @property
    def context(self) -> ssl.SSLContext:
        """The context to listen with; always the same one."""
        return self._front

    async def renew(self) -> None:
        """Make a new context if the files are other than those in use. Raises nothing of theirs."""
        stamp = await asyncio.to_thread(self._look)
        if stamp in (self._stamp, self._refused):
            return
        try:
            newest = await asyncio.to_thread(self._load)
        except (OSError, StoreUnavailable) as error:
            self._refused = stamp
            self._report(_reason(error))
            return
        # Files that changed meanwhile have another stamp, and are read at the next look.
        self._front.newest, self._stamp, self._refused = newest, stamp, None
        self._report(None)

    async def watch(self) -> None:
        """Renew again and again until cancelled."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._asked.wait()
            self._asked.clear()
            await self.renew()

    def look_now(self) -> None:
        """Let the watch look at once."""
        self._asked.set()

    def _look(self) -> _Stamp:
        return tuple(_stamp(file) for file in self._files)


def _stamp(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    # Not the time that a copy may keep: this one changes with the mode and the owner as well.
    return found.st_ctime_ns, found.st_size, found.st_ino


def _reason(error: OSError | StoreUnavailable) -> str:
    if isinstance(error, StoreUnavailable):
        return error.detail
    if isinstance(error, ssl.SSLError):
        return error.reason or "not a certificate and its key"
    return error.strerror or type(error).__name__
