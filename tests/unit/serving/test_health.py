"""The question whether vLLM can serve."""

from __future__ import annotations

import http.server
import socket
import socketserver
import threading
from contextlib import contextmanager

import pytest

from serving.health import is_healthy


class _Handler(http.server.BaseHTTPRequestHandler):
    status = 200

    def do_GET(self):
        self.send_response(self.status if self.path == "/health" else 404)
        self.end_headers()

    def log_message(self, *arguments):
        pass

    def address_string(self):
        return ""


@contextmanager
def _server(uds, status):
    handler = type("Handler", (_Handler,), {"status": status})
    with socketserver.UnixStreamServer(str(uds), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(("status", "healthy"), [(200, True), (503, False), (404, False)])
def test_only_200_is_healthy(tmp_path, status, healthy):
    """Any other status means that vLLM cannot serve."""
    with _server(tmp_path / "s", status):
        assert is_healthy(tmp_path / "s", timeout_seconds=5) is healthy


def test_no_socket_is_not_healthy(tmp_path):
    """A vLLM that does not listen yet, or no longer, is not healthy."""
    assert not is_healthy(tmp_path / "s", timeout_seconds=1)


def test_silence_is_not_healthy(tmp_path):
    """A vLLM that accepts and never answers is not healthy, and the question ends in time."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        server.listen()
        assert not is_healthy(tmp_path / "s", timeout_seconds=0.1)


def test_nonsense_is_not_healthy(tmp_path):
    """Something that does not speak HTTP is not healthy."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        server.listen()
        thread = threading.Thread(target=_say_nonsense, args=(server,))
        thread.start()
        assert not is_healthy(tmp_path / "s", timeout_seconds=2)
        thread.join()


def _say_nonsense(server):
    connection, _ = server.accept()
    with connection:
        connection.recv(1000)
        connection.sendall(b"hello\r\n\r\n")
