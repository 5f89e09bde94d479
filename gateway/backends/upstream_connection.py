"""One socket to a model server: what has arrived, in order, and how long somebody may wait for it.

Bounded in memory and in time: reading stops while too much lies unread, and one timer for the whole
answer sees that no read waits too long, so a token costs neither a timer nor a task.
"""

from __future__ import annotations

import asyncio
from typing import Final, cast

from gateway.core.errors import UpstreamTimedOut

_MAX_UNREAD_BYTES: Final = 262_144


class Connection(asyncio.Protocol):
    """A connection with one reader at a time."""

    def __init__(self) -> None:
        self._arrived: list[bytes] = []
        self._unread_bytes = 0
        self._ended = False
        self._timed_out = False
        self._loop = asyncio.get_running_loop()
        self._arrival = self._here = self._loop.create_future()
        self._here.set_result(None)
        self._waiting_since: float | None = None
        self._idle_seconds = 0.0
        self._over_at = 0.0
        self._watch: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Keep *data* for the reader; stop reading while too much lies unread."""
        self._arrived.append(data)
        self._unread_bytes += len(data)
        if self._unread_bytes > _MAX_UNREAD_BYTES:
            self._transport.pause_reading()
        self._wake()

    def connection_lost(self, _error: Exception | None) -> None:
        """Let the reader see the end."""
        self._ended = True
        self._wake()

    def write(self, data: bytes) -> None:
        """Send a request. It is bounded by the body limit, so nothing waits for the socket."""
        self._transport.write(data)

    def arrival(self) -> asyncio.Future[None]:
        """Return what is done once there is something to :meth:`take`.

        Not a coroutine, since one for each token costs more than what it would do (ADR-0031).
        """
        if self._arrived or self._ended:
            return self._here
        self._arrival = self._loop.create_future()
        self._waiting_since = self._loop.time()
        return self._arrival

    def take(self) -> bytes:
        """Return all that has arrived, at least a byte; ``b""`` at the end of the connection.

        Raises ``UpstreamTimedOut`` when a time of :meth:`watch` is over.
        """
        if self._timed_out:
            raise UpstreamTimedOut
        data = self._arrived[0] if len(self._arrived) == 1 else b"".join(self._arrived)
        self._arrived.clear()
        self._unread_bytes = 0
        if not self._ended:
            self._transport.resume_reading()
        return data

    def watch(self, *, idle_seconds: float, whole_seconds: float) -> None:
        """From now on let no read wait longer than *idle_seconds*, nor beyond *whole_seconds*."""
        self._idle_seconds = idle_seconds
        self._over_at = self._loop.time() + whole_seconds
        self._look()

    def unwatch(self) -> None:
        """Forget the times of :meth:`watch`."""
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    def is_quiet(self) -> bool:
        """Return whether the connection is open with nothing unread: such bytes are nobody's."""
        return not self._arrived and not self._ended

    def abort(self) -> None:
        """Cut the connection at once."""
        self._transport.abort()

    def _look(self) -> None:
        """Cut the connection if a time is over; else look again when the next one can be."""
        now = self._loop.time()
        since = now if self._waiting_since is None else self._waiting_since
        due = min(since + self._idle_seconds, self._over_at)
        if now < due:
            self._watch = self._loop.call_at(due, self._look)
            return
        self._timed_out = self._ended = True
        self.abort()
        self._wake()

    def _wake(self) -> None:
        self._waiting_since = None  # from here on the server waits for the reader
        if not self._arrival.done():
            self._arrival.set_result(None)
