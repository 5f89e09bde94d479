"""Sends access records to a syslog server over UDP, TCP or TLS.

What was handed to a connection that then breaks may be lost, without being counted: syslog does not
answer.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, Literal, NamedTuple, Protocol

from gateway.core.access_log import AccessRecord
from gateway.core.syslog import encode_message, frame_message

_ANSWER_SECONDS: Final = 5.0  # to connect, and to take a message


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


class SyslogSender:
    """A ``RecordSender`` to what *connect* connects to, anew after each failure."""

    batch_records: Final = 1  # so that none is sent twice because of another one

    def __init__(self, connect: Callable[[], Connection], *, is_stream: bool) -> None:
        self._connect = connect
        self._is_stream = is_stream
        self._connection: Connection | None = None

    @classmethod
    def to(cls, place: SyslogPlace) -> SyslogSender:
        """Return a sender to *place*. Raises ``OSError`` for a file of authorities."""
        tls = None
        if place.transport == "tls":
            tls = ssl.create_default_context(cafile=place.ca_file)
            tls.minimum_version = ssl.TLSVersion.TLSv1_2
        return cls(lambda: _connect(place, tls), is_stream=place.transport != "udp")

    def send(self, records: Sequence[AccessRecord]) -> int:
        """Send *records*. Raises ``OSError`` when there is no connection, or no longer."""
        try:
            for record in records:
                self._connection = self._connection or self._connect()
                message = encode_message(record)
                self._connection.sendall(frame_message(message) if self._is_stream else message)
        except OSError:  # ssl.SSLError is one
            self.close()
            raise
        return 0

    def close(self) -> None:
        """End the connection."""
        with suppress(OSError):
            if self._connection is not None:
                self._connection.close()
        self._connection = None


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
