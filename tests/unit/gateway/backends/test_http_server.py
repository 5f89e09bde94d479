"""HTTPS listeners."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from gateway.backends.certificates import CertificateFiles, ensure_certificates, server_context
from gateway.backends.http_server import Listener, serve
from tests.fakes.certificates import ClientAuthority, ClientCertificate


@pytest.fixture
def files(tmp_path):
    """A certificate for loopback."""
    files = CertificateFiles.in_directory(tmp_path)
    ensure_certificates(files, ["127.0.0.1"], now=datetime.now(UTC))
    return files


def now() -> datetime:
    return datetime.now(UTC)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return sock.getsockname()[1]


def listener(files, name: bytes) -> Listener:
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": name})

    context = server_context(files.certificate, files.key)
    return Listener(ip_address("127.0.0.1"), free_port(), context, app, clock=now)


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
    one = Listener(ip_address("127.0.0.1"), free_port(), context, app, clock=now)
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


@asynccontextmanager
async def serving(one: Listener) -> AsyncIterator[int]:
    """Serve *one* and yield its port."""
    ready = asyncio.Event()
    task = asyncio.create_task(serve([one], on_ready=ready.set))
    await asyncio.wait_for(ready.wait(), 5)
    try:
        yield one.port
    finally:
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(task, 5)


def certificate_listener(files, client_ca, *, clock=now) -> Listener:
    """Return a listener that answers with the SHA-256 of what it knows of the client."""

    async def app(scope, receive, send):
        der = scope.get("extensions", {}).get("tls", {}).get("client_cert_der")
        body = b"none" if der is None else hashlib.sha256(der).hexdigest().encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})

    context = server_context(files.certificate, files.key, client_ca=client_ca)
    return Listener(ip_address("127.0.0.1"), free_port(), context, app, clock=clock)


def trusting(files, shown: ClientCertificate | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=files.ca_certificate)
    return shown.show(context) if shown else context


def get(port: int, context: ssl.SSLContext, *, session=None):
    """Return the body of one answer and the TLS session of its connection."""
    with (
        socket.create_connection(("127.0.0.1", port), timeout=5) as sock,
        context.wrap_socket(sock, server_hostname="127.0.0.1", session=session) as tls,
    ):
        tls.sendall(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        data = b"".join(iter(lambda: tls.recv(65536), b""))
        if not data:
            raise ConnectionError("closed without an answer")
        return data.partition(b"\r\n\r\n")[2].decode(), tls.session, tls.session_reused


def said(shown: ClientCertificate) -> str:
    return hashlib.sha256(shown.der).hexdigest()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_verified_client_certificate_is_in_the_scope(files, tmp_path, version):
    """The application sees just the certificate of this connection, and none where none is."""
    authority = ClientAuthority(tmp_path)
    shown = authority.issue()
    async with serving(certificate_listener(files, authority.file)) as port:
        for one, expected in ((shown, said(shown)), (None, "none")):
            context = trusting(files, one)
            context.minimum_version = context.maximum_version = version
            assert expected in (await asyncio.to_thread(get, port, context))[0]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("fault", ["stranger", "ended", "for servers"])
async def test_certificate_that_cannot_be_verified_ends_the_handshake(
    files, tmp_path, version, fault
):
    """A certificate of a stranger, of yesterday or for servers is refused, not ignored."""
    authority = ClientAuthority(tmp_path)
    shown = {
        "stranger": lambda: ClientAuthority(tmp_path, "stranger").issue(),
        "ended": lambda: authority.issue(ends_at=now() - timedelta(minutes=1)),
        "for servers": lambda: authority.issue(usage=ExtendedKeyUsageOID.SERVER_AUTH),
    }[fault]()
    context = trusting(files, shown)
    context.minimum_version = context.maximum_version = version
    async with serving(certificate_listener(files, authority.file)) as port:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await asyncio.to_thread(get, port, context)


async def test_without_an_authority_no_certificate_counts(files, tmp_path):
    """A listener that trusts nobody's certificates tells the application of none."""
    shown = ClientAuthority(tmp_path).issue()
    async with serving(certificate_listener(files, None)) as port:
        assert "none" in (await asyncio.to_thread(get, port, trusting(files, shown)))[0]


async def test_certificate_that_ends_during_the_connection_counts_no_longer(files, tmp_path):
    """On a connection that outlives the certificate, later requests come without one."""
    authority = ClientAuthority(tmp_path)
    shown, times = authority.issue(), [now(), now() + timedelta(hours=2)]
    one = certificate_listener(files, authority.file, clock=lambda: times.pop(0))
    async with serving(one) as port:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=trusting(files, shown)
        )
        for expected in (said(shown), "none"):
            writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
            assert b"chunked" in head
            assert expected.encode() in await asyncio.wait_for(reader.readuntil(b"0\r\n\r\n"), 5)
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_resumed_session_has_the_same_certificate(files, tmp_path, version):
    """A resumed TLS session has its client's certificate, for as long as that is good."""
    authority = ClientAuthority(tmp_path)
    shown, at = authority.issue(), [now()]
    context = trusting(files, shown)
    context.minimum_version = context.maximum_version = version
    async with serving(certificate_listener(files, authority.file, clock=lambda: at[0])) as port:
        body, session, reused = await asyncio.to_thread(get, port, context)
        assert (said(shown) in body, reused) == (True, False)
        body, session, reused = await asyncio.to_thread(get, port, context, session=session)
        assert (said(shown) in body, reused) == (True, True)
        at[0] += timedelta(hours=2)
        body, _, reused = await asyncio.to_thread(get, port, context, session=session)
        assert ("none" in body, reused) == (True, True)
