"""HTTPS listeners."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import ssl
from datetime import UTC, datetime
from ipaddress import ip_address

import pytest

from gateway.backends.certificates import CertificateFiles, ensure_certificates, server_context
from gateway.backends.http_server import Listener, serve


@pytest.fixture
def files(tmp_path):
    """A certificate for loopback."""
    files = CertificateFiles.in_directory(tmp_path)
    ensure_certificates(files, ["127.0.0.1"], now=datetime.now(UTC))
    return files


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return sock.getsockname()[1]


def listener(files, name: bytes) -> Listener:
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": name})

    context = server_context(files.certificate, files.key)
    return Listener(ip_address("127.0.0.1"), free_port(), context, app)


async def fetch(files, port: int) -> bytes:
    context = ssl.create_default_context(cafile=files.ca_certificate)
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    writer.write(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    data = await reader.read()
    writer.close()
    await writer.wait_closed()
    return data


async def test_all_listeners_serve_until_the_signal(files):
    """Several listeners start together, answer over TLS without naming the server, and stop."""
    listeners, ready = [listener(files, b"one"), listener(files, b"two")], asyncio.Event()
    serving = asyncio.create_task(serve(listeners, on_ready=ready.set))
    await asyncio.wait_for(ready.wait(), 5)
    for expected, each in zip((b"one", b"two"), listeners, strict=True):
        data = await fetch(files, each.port)
        assert expected in data
        assert b"server:" not in data.lower()
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(serving, 5)


async def test_taken_address_is_an_error(files):
    """An address that somebody else has is reported, and no other listener stays open."""
    first, second = listener(files, b"one"), listener(files, b"two")
    with socket.create_server(("127.0.0.1", second.port)), pytest.raises(OSError, match="in use"):
        await serve([first, second], on_ready=lambda: None)
    socket.create_server(("127.0.0.1", first.port)).close()


async def test_pipelined_request_ends_the_connection(files):
    """A second request before the first is answered cuts the connection, and the app learns it."""
    left = asyncio.Event()

    async def app(scope, receive, send):
        await receive()
        if (await receive())["type"] == "http.disconnect":
            left.set()

    context = server_context(files.certificate, files.key)
    one = Listener(ip_address("127.0.0.1"), free_port(), context, app)
    ready = asyncio.Event()
    serving = asyncio.create_task(serve([one], on_ready=ready.set))
    await asyncio.wait_for(ready.wait(), 5)
    trusting = ssl.create_default_context(cafile=files.ca_certificate)
    _reader, writer = await asyncio.open_connection("127.0.0.1", one.port, ssl=trusting)
    writer.write(b"GET /1 HTTP/1.1\r\nhost: x\r\n\r\n")
    await asyncio.sleep(0.1)
    writer.write(b"GET /2 HTTP/1.1\r\nhost: x\r\n\r\n")
    await asyncio.wait_for(left.wait(), 2)
    writer.close()
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(serving, 5)
