"""Ask vLLM over its Unix socket whether it can serve.

The launcher asks from outside, because vLLM's log is kept silent and would tell nothing.
"""

from __future__ import annotations

import http.client
import socket
from pathlib import Path
from typing import Final

_OK: Final = 200


class UnixHttpConnection(http.client.HTTPConnection):
    """An HTTP connection over the Unix socket *uds*."""

    def __init__(self, uds: Path, *, timeout_seconds: float) -> None:
        super().__init__("vllm", timeout=timeout_seconds)
        self._uds = uds
        self._timeout_seconds = timeout_seconds

    def connect(self) -> None:
        """Connect to the socket. Raises ``OSError``."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self._timeout_seconds)
        self.sock.connect(str(self._uds))


def is_healthy(uds: Path, *, timeout_seconds: float) -> bool:
    """Return whether ``GET /health`` on *uds* answers 200 in time."""
    connection = UnixHttpConnection(uds, timeout_seconds=timeout_seconds)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == _OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
