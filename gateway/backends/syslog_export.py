"""Sends access records to a syslog server, on a thread of its own, over UDP, TCP or TLS.

Neither a request nor the access log waits for it: what does not fit into the queue is dropped, and
counted. What was handed to a connection that then breaks may be lost, too: syslog does not answer.
"""

from __future__ import annotations

import queue
import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, Literal, NamedTuple, Protocol

from gateway.core.access_log import AccessRecord
from gateway.core.syslog import encode_message, frame_message

_QUEUE_RECORDS: Final = 10_000  # a second of a busy gateway, and some MiB
_ANSWER_SECONDS: Final = 5.0  # to connect, and to take a message
_PAUSE_SECONDS: Final = 1.0  # between two attempts to connect
_CLOSE_SECONDS: Final = 2.0


class Connection(Protocol):
    """A way to the server. Every method raises ``OSError``."""

    def sendall(self, data: bytes, /) -> None:
        """Send *data* whole."""

    def close(self) -> None:
        """End the connection."""


class SyslogPlace(NamedTuple):
    """Where the server is. *ca_file* has the only authorities that vouch for one over TLS."""

    transport: Literal["udp", "tcp", "tls"]
    host: str
    port: int
    ca_file: Path | None = None


class SyslogExport:
    """A ``RecordExport`` to what *connect* connects to; *count_lost* counts what was dropped."""

    def __init__(
        self,
        connect: Callable[[], Connection],
        *,
        is_stream: bool,
        count_lost: Callable[[int], None],
        pause_seconds: float = _PAUSE_SECONDS,
    ) -> None:
        self._connect = connect
        self._is_stream = is_stream
        self._count_lost = count_lost
        self._pause_seconds = pause_seconds
        self._queue: queue.Queue[AccessRecord] = queue.Queue(_QUEUE_RECORDS)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="syslog", daemon=True)
        self._thread.start()

    @classmethod
    def to(cls, place: SyslogPlace, *, count_lost: Callable[[int], None]) -> SyslogExport:
        """Return an export to *place*. Raises ``OSError`` for a file of authorities."""
        tls = None
        if place.transport == "tls":
            tls = ssl.create_default_context(cafile=place.ca_file)
            tls.minimum_version = ssl.TLSVersion.TLSv1_2
        return cls(
            lambda: _connect(place, tls),
            is_stream=place.transport != "udp",
            count_lost=count_lost,
        )

    def offer(self, records: Sequence[AccessRecord]) -> None:
        """Take *records* as far as there is room, and count the others. Never waits."""
        for done, record in enumerate(records):
            try:
                self._queue.put_nowait(record)
            except queue.Full:
                self._count_lost(len(records) - done)
                return

    def close(self) -> None:
        """Send what waits, for up to two seconds; the rest is counted as lost."""
        self._closing.set()
        self._thread.join(_CLOSE_SECONDS)
        self._count_lost(self._queue.qsize())

    def _run(self) -> None:
        connection: Connection | None = None
        while (record := self._next()) is not None:
            message = encode_message(record)
            data = frame_message(message) if self._is_stream else message
            while True:
                try:
                    connection = connection or self._connect()
                    connection.sendall(data)
                    break
                except OSError:  # ssl.SSLError is one
                    _close(connection)
                    connection = None
                if self._closing.wait(self._pause_seconds):
                    self._count_lost(1)
                    return
        _close(connection)

    def _next(self) -> AccessRecord | None:
        """Return the next record, or None when there is none and none will come."""
        while True:
            with suppress(queue.Empty):
                return self._queue.get(timeout=0.1)
            if self._closing.is_set():
                return None


def _close(connection: Connection | None) -> None:
    with suppress(OSError):
        if connection is not None:
            connection.close()


def _connect(place: SyslogPlace, tls: ssl.SSLContext | None) -> Connection:
    if place.transport == "udp":
        family, kind, number, _, address = socket.getaddrinfo(
            place.host, place.port, type=socket.SOCK_DGRAM
        )[0]
        datagrams = socket.socket(family, kind, number)
        datagrams.connect(address)
        return datagrams
    stream = socket.create_connection((place.host, place.port), _ANSWER_SECONDS)
    if tls is None:
        return stream
    try:
        return tls.wrap_socket(stream, server_hostname=place.host)
    except OSError:
        stream.close()
        raise
