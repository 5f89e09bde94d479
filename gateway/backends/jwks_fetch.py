"""Fetches the JWK set of another issuer over HTTPS, with the standard library and little trust.

Whoever answers can do no more than answer: no redirect is followed, no proxy of the environment is
used, and both the size and the time of an answer are limited. The URL comes from the operator's
configuration and from nowhere else.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import socket
import ssl
import time
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from gateway.core.errors import StoreUnavailable
from gateway.core.external_tokens import verify_jwks_url
from gateway.core.jwk import MAX_SET_BYTES

TOTAL_SECONDS: Final = 10.0
"""How long one fetch may take, connecting included."""

_SILENCE_SECONDS: Final = 5.0
_PIECE_BYTES: Final = 1 << 16


class JwksFetch:
    """Fetches *url*, whose server is vouched for by *ca_file* (PEM) or by the machine's CAs.

    ``ValueError`` for a URL that ``verify_jwks_url`` refuses, ``OSError`` for a file that cannot be
    read.
    """

    def __init__(self, url: str, *, ca_file: Path | None = None) -> None:
        self._url = urlsplit(verify_jwks_url(url))
        self._tls = ssl.create_default_context(cafile=ca_file)
        self._tls.minimum_version = ssl.TLSVersion.TLSv1_2

    async def __call__(self) -> bytes:
        """Return the body of a 200. Raises ``StoreUnavailable`` for everything else."""
        connection, deadline = self._connection(), time.monotonic() + TOTAL_SECONDS
        try:
            async with asyncio.timeout(TOTAL_SECONDS):
                return await asyncio.to_thread(self._fetch, connection, deadline)
        except TimeoutError:
            raise StoreUnavailable from None
        finally:
            _hang_up(connection)  # or the thread would wait on for whoever sends byte by byte

    def _fetch(self, connection: http.client.HTTPConnection, deadline: float) -> bytes:
        try:
            target = self._url.path or "/"
            if self._url.query:
                target = f"{target}?{self._url.query}"
            connection.connect()
            if time.monotonic() > deadline:
                raise StoreUnavailable
            connection.request("GET", target, headers={"Accept": "application/json"})
            response = connection.getresponse()
            if response.status != http.client.OK:
                raise StoreUnavailable
            return _read(response, deadline)
        except (OSError, http.client.HTTPException, ValueError):
            raise StoreUnavailable from None
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        host = self._url.hostname or ""
        if self._url.scheme == "http":
            return http.client.HTTPConnection(host, self._url.port, timeout=_SILENCE_SECONDS)
        return _TlsConnection(host, self._url.port, tls=self._tls)


class _TlsConnection(http.client.HTTPConnection):
    """A connection over TLS that can be hung up on during the handshake too."""

    default_port = http.client.HTTPS_PORT

    def __init__(self, host: str, port: int | None, *, tls: ssl.SSLContext) -> None:
        super().__init__(host, port, timeout=_SILENCE_SECONDS)
        self._tls = tls

    def connect(self) -> None:
        """Connect and verify who answers."""
        super().connect()
        tls = self._tls.wrap_socket(
            self.sock, server_hostname=self.host, do_handshake_on_connect=False
        )
        self.sock = tls
        tls.do_handshake()


def _hang_up(connection: http.client.HTTPConnection) -> None:
    """End what a thread may still read or write on *connection*."""
    sock: socket.socket | None = connection.sock
    if sock is not None:
        with contextlib.suppress(OSError):  # closed meanwhile
            # Of the socket below TLS, whose own state belongs to the thread.
            socket.socket.shutdown(sock, socket.SHUT_RDWR)


def _read(response: http.client.HTTPResponse, deadline: float) -> bytes:
    """Return the whole body, in pieces so that a slow one is noticed."""
    parts: list[bytes] = []
    size = 0
    announced = response.length  # None for a body in chunks, which has an end of its own
    while size != announced and (piece := response.read1(_PIECE_BYTES)):
        parts.append(piece)
        size += len(piece)
        if size > MAX_SET_BYTES or time.monotonic() > deadline:
            raise StoreUnavailable
    if announced not in {None, size}:
        raise StoreUnavailable
    return b"".join(parts)
