"""Posts to one HTTP server, over one connection that is kept, from one thread.

A post ends in time, however slowly the server takes or answers; no redirect is followed, no proxy
of the environment is used, and an answer is believed as far as it is short.
"""

from __future__ import annotations

import socket
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httptools

POST_SECONDS: Final = 10.0
"""How long a post may take, connecting included; the time that exporters of OTLP have by default.

Looking up the name is for the machine to bound, and each of its addresses is tried for that long.
"""

_MAX_ANSWER_BYTES: Final = 65_536
_PIECE_BYTES: Final = 16_384
_FIRST_FINAL_STATUS: Final = 200


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What a server answered: *body* is None where it was too long, or cut off.

    *retry_after* is the header field of that name.
    """

    status: int
    retry_after: str | None
    body: bytes | None = field(repr=False)


class HttpPost:
    """Posts to *url*, an origin and a path, over TLS where it says ``https``.

    Its server is vouched for by *ca_file* (PEM) or by the machine's authorities. Raises ``OSError``
    for a file that cannot be read. Belongs to one thread.
    """

    def __init__(
        self, url: str, *, ca_file: Path | None = None, seconds: float = POST_SECONDS
    ) -> None:
        self._url = urlsplit(url)
        self._seconds = seconds
        self._tls: ssl.SSLContext | None = None
        if self._url.scheme == "https":
            self._tls = ssl.create_default_context(cafile=ca_file)
            self._tls.minimum_version = ssl.TLSVersion.TLSv1_2
        self._socket: socket.socket | None = None

    def post(self, body: bytes, *, fields: bytes) -> HttpAnswer:
        """Post *body* and return the answer. *fields* are header fields, each with its line end.

        They say what the body is, and not how long. Raises ``OSError`` when there is no answer in
        time; ``TimeoutError`` is one.
        """
        deadline = time.monotonic() + self._seconds
        head = (
            f"POST {self._url.path or '/'} HTTP/1.1\r\nHost: {self._url.netloc}\r\n"
            f"Content-Length: {len(body)}\r\n"
        )
        request = b"%b%b\r\n%b" % (head.encode("ascii"), fields, body)
        if self._socket is not None and not _is_quiet(self._socket):
            self.close()  # ended, or with words that a server has for idle connections, like 408
        if self._socket is not None:
            # It may have been idle for longer than the server likes; only a new one tells.
            with suppress(ConnectionError, ssl.SSLError):
                return self._exchange(self._socket, request, deadline)
        self._socket = self._connect(deadline)
        return self._exchange(self._socket, request, deadline)

    def close(self) -> None:
        """End the connection, if there is one. Never fails."""
        with suppress(OSError):
            if self._socket is not None:
                self._socket.close()
        self._socket = None

    def _connect(self, deadline: float) -> socket.socket:
        default = 80 if self._tls is None else 443
        place = self._url.hostname or "", self._url.port or default
        stream = socket.create_connection(place, _left(deadline))
        # An answer is waited for, so nothing is gained by sending less often.
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._tls is None:
            return stream
        try:
            stream.settimeout(_left(deadline))
            return self._tls.wrap_socket(stream, server_hostname=self._url.hostname)
        except OSError:
            stream.close()
            raise

    def _exchange(self, stream: socket.socket, request: bytes, deadline: float) -> HttpAnswer:
        reader = AnswerReader()
        try:
            # Who does not take all of it may have said why.
            with suppress(ConnectionError, ssl.SSLError):
                _send(stream, request, deadline)
            _read_answer(stream, reader, deadline)
        except OSError:
            self.close()
            raise
        if not reader.may_go_on:
            self.close()
        return reader.answer()


def _is_quiet(stream: socket.socket) -> bool:
    """Return whether *stream* is open with nothing unread, which would be no answer to a post."""
    stream.settimeout(0)
    try:
        stream.recv(1)
    except (BlockingIOError, ssl.SSLWantReadError):
        return True
    except OSError:
        return False
    return False


def _send(stream: socket.socket, request: bytes, deadline: float) -> None:
    rest = memoryview(request)
    while rest:
        stream.settimeout(_left(deadline))
        rest = rest[stream.send(rest) :]


def _read_answer(stream: socket.socket, reader: AnswerReader, deadline: float) -> None:
    while not reader.is_done:
        try:
            stream.settimeout(_left(deadline))
            data = stream.recv(_PIECE_BYTES)
        except OSError:
            if not reader.has_status:
                raise
            reader.break_off()  # what the server has decided stands, whatever becomes of the rest
            return
        if data:
            reader.feed(data)
        else:
            reader.finish()


def _left(deadline: float) -> float:
    """Return how much time is left until *deadline*. Raises ``TimeoutError`` when there is none."""
    if (left := deadline - time.monotonic()) <= 0:
        raise TimeoutError
    return left


class AnswerReader:
    """One answer, read as it arrives; the methods below the line are httptools callbacks."""

    def __init__(self) -> None:
        self.is_done = False
        self.may_go_on = False
        self._parser = httptools.HttpResponseParser(self)
        self._status = 0
        self._retry_after: str | None = None
        self._body: bytes | None = b""
        self._has_length = False
        self._received_bytes = 0

    @property
    def has_status(self) -> bool:
        """Whether the head is there that says what the server has decided."""
        return self._status != 0

    def feed(self, data: bytes) -> None:
        """Read *data*. Raises ``ConnectionError`` for what is no answer, or has an endless head."""
        self._received_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.may_go_on = False
            if not self.is_done:
                raise ConnectionAbortedError from None
        if not self.is_done and self._received_bytes > _MAX_ANSWER_BYTES:
            self.break_off()

    def finish(self) -> None:
        """Learn that nothing more comes. Raises ``ConnectionError`` for no answer."""
        if self._has_length or not self.has_status:
            self.break_off()
        self.is_done = True

    def break_off(self) -> None:
        """Do without the rest of the body. Raises ``ConnectionError`` when the head is missing."""
        if not self.has_status:
            raise ConnectionAbortedError
        self.is_done, self._body = True, None

    def answer(self) -> HttpAnswer:
        """Return what was read."""
        return HttpAnswer(self._status, self._retry_after, self._body)

    # ------------------------------------------------------------------ httptools callbacks

    def on_message_begin(self) -> None:
        """Begin, after an interim answer anew; notice a second answer, which nobody asked for."""
        if self.is_done:
            self.may_go_on = False
        elif not self.has_status:
            self._retry_after, self._has_length = None, False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep the one header that matters, and learn whether the body has an end of its own."""
        if self.has_status:
            return  # of a trailer, or of a second answer
        name = name.lower()
        if name == b"retry-after":
            self._retry_after = value.decode("latin-1")
        self._has_length |= name in {b"content-length", b"transfer-encoding"}

    def on_headers_complete(self) -> None:
        """Learn the status; that of an interim answer says nothing."""
        status = self._parser.get_status_code()
        if not self.is_done and status >= _FIRST_FINAL_STATUS:
            self._status = status

    def on_body(self, piece: bytes) -> None:
        """Keep a piece of the body."""
        if not self.is_done and self._body is not None:
            self._body += piece

    def on_message_complete(self) -> None:
        """Learn that an answer is whole: the last one, or an interim one before it."""
        if self.has_status and not self.is_done:
            self.is_done, self.may_go_on = True, self._parser.should_keep_alive()
