"""Hands access records to a server on a thread of its own; how is up to a sender.

Neither a request nor the access log waits for it: what does not fit into the queue is dropped, and
counted, as is what the server does not take and what is left when the gateway ends.
"""

from __future__ import annotations

import queue
import secrets
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import count
from typing import Final, Protocol

from gateway.core.access_log import AccessRecord

_QUEUE_RECORDS: Final = 10_000  # a second of a busy gateway, and some MiB
_FIRST_PAUSE_SECONDS: Final = 1.0  # after a failure; twice as long after each further one
_LAST_PAUSE_SECONDS: Final = 8.0  # so that it is soon noticed when the server is back
_MAX_ASKED_SECONDS: Final = 60.0  # whatever a server asks for
_CLOSE_SECONDS: Final = 2.0
_RANDOM: Final = secrets.SystemRandom()


class Postponed(OSError):
    """A server asked for the same records once more, in *seconds* if it said when."""

    def __init__(self, seconds: float | None) -> None:
        super().__init__()
        self.seconds = seconds


class RecordSender(Protocol):
    """The way to a server. Its methods are called on one thread, and wait for a bounded time."""

    @property
    def batch_records(self) -> int:
        """How many records it takes at once."""

    def send(self, records: Sequence[AccessRecord]) -> int:
        """Send all of *records*; return how many of them the server did not take for good.

        Raises ``OSError`` when they are to be sent again, ``Postponed`` where the server said so.
        """

    def close(self) -> None:
        """End the connection. Never fails."""


class ExportThread:
    """A ``RecordExport`` through *sender*; *count_lost* counts what did not get there."""

    def __init__(
        self,
        sender: RecordSender,
        *,
        name: str,
        count_lost: Callable[[int], None],
        first_pause_seconds: float = _FIRST_PAUSE_SECONDS,
        close_seconds: float = _CLOSE_SECONDS,
    ) -> None:
        self._sender = sender
        self._count_lost = count_lost
        self._first_pause_seconds = first_pause_seconds
        self._close_seconds = close_seconds
        self._queue: queue.Queue[AccessRecord] = queue.Queue(_QUEUE_RECORDS)
        self._sending = 0  # records that the thread has taken from the queue
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def offer(self, records: Sequence[AccessRecord]) -> None:
        """Take *records* as far as there is room, and count the others. Never waits."""
        for done, record in enumerate(records):
            try:
                self._queue.put_nowait(record)
            except queue.Full:
                self._count_lost(len(records) - done)
                return

    def close(self) -> None:
        """Send what waits, for up to *close_seconds*; the rest is counted as lost."""
        self._closing.set()
        self._thread.join(self._close_seconds)
        self._count_lost(self._sending + self._queue.qsize())

    def _run(self) -> None:
        while (record := self._next()) is not None:
            batch = [record, *self._others()]
            self._sending = len(batch)
            if not self._send(batch):
                break
            self._sending = 0
        self._sender.close()

    def _next(self) -> AccessRecord | None:
        """Return the next record, or None when there is none and none will come."""
        while True:
            with suppress(queue.Empty):
                return self._queue.get(timeout=0.1)
            if self._closing.is_set():
                return None

    def _others(self) -> Iterator[AccessRecord]:
        """Yield what waits behind a record and goes with it."""
        with suppress(queue.Empty):
            for _ in range(self._sender.batch_records - 1):
                yield self._queue.get_nowait()

    def _send(self, batch: Sequence[AccessRecord]) -> bool:
        """Send *batch*, as often as it takes; return whether that was done before the end."""
        for failures in count():
            try:
                self._count_lost(self._sender.send(batch))
            except OSError as error:
                pause = self._pause_seconds(error, failures)
            else:
                break
            if self._closing.wait(pause):
                return False
        return True

    def _pause_seconds(self, error: OSError, failures: int) -> float:
        if isinstance(error, Postponed) and error.seconds is not None:
            return min(max(error.seconds, self._first_pause_seconds), _MAX_ASKED_SECONDS)
        longest = min(self._first_pause_seconds * 2.0 ** min(failures, 10), _LAST_PAUSE_SECONDS)
        # Not all at once: what was away for one gateway was away for others.
        return longest * _RANDOM.uniform(0.5, 1.0)
