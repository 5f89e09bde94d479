"""HTTPS listeners."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import socket
import ssl
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from gateway.backends.certificates import CertificateFiles, ensure_certificates, server_context
from gateway.backends.http_server import Listener
from gateway.backends.listening import serve
from gateway.core.connection_pace import PaceLimits
from gateway.core.errors import ClientStalled
from tests.fakes.certificates import ClientAuthority, ClientCertificate
from tests.fakes.proxy_headers import LOCAL, v1, v2
from tests.fakes.waiting import until
from tests.story.processes import free_port


@pytest.fixture
def files(tmp_path):
    """A certificate for loopback."""
    files = CertificateFiles.in_directory(tmp_path)
    ensure_certificates(files, ["127.0.0.1"], now=datetime.now(UTC))
    return files


def now() -> datetime:
    return datetime.now(UTC)


def refuse(error, _address):
    return 400, [(b"x-code", error.code.encode())], b"refused"


def listener(files, name: bytes) -> Listener:
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": name})

    context = server_context(files.certificate, files.key)
    return Listener(ip_address("127.0.0.1"), free_port(), context, app, refuse, clock=now)


async def fetch(files, port: int) -> bytes:
    context = ssl.create_default_context(cafile=files.ca_certificate)
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    writer.write(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    data = await reader.read()
    writer.close()
    await writer.wait_closed()
    return data


async def test_pipelined_request_ends_the_connection(files):
    """A second request before the first is answered cuts the connection, and the app learns it."""
    asked, left = asyncio.Event(), asyncio.Event()

    async def app(scope, receive, send):
        await receive()
        asked.set()
        if (await receive())["type"] == "http.disconnect":
            left.set()

    context = server_context(files.certificate, files.key)
    one = Listener(ip_address("127.0.0.1"), free_port(), context, app, refuse, clock=now)
    ready = asyncio.Event()
    serving = asyncio.create_task(serve([one], on_ready=ready.set))
    await asyncio.wait_for(ready.wait(), 30)
    trusting = ssl.create_default_context(cafile=files.ca_certificate)
    _reader, writer = await asyncio.open_connection("127.0.0.1", one.port, ssl=trusting)
    writer.write(b"GET /1 HTTP/1.1\r\nhost: x\r\n\r\n")
    await asyncio.wait_for(asked.wait(), 30)
    writer.write(b"GET /2 HTTP/1.1\r\nhost: x\r\n\r\n")
    await asyncio.wait_for(left.wait(), 30)
    writer.close()
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(serving, 30)


@asynccontextmanager
async def serving(one: Listener) -> AsyncIterator[int]:
    """Serve *one* and yield its port."""
    ready = asyncio.Event()
    task = asyncio.create_task(serve([one], on_ready=ready.set))
    await asyncio.wait_for(ready.wait(), 30)
    try:
        yield one.port
    finally:
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(task, 30)


def certificate_listener(files, client_ca, *, clock=now) -> Listener:
    """Return a listener that answers with the SHA-256 of what it knows of the client."""

    async def app(scope, receive, send):
        der = scope.get("extensions", {}).get("tls", {}).get("client_cert_der")
        body = b"none" if der is None else hashlib.sha256(der).hexdigest().encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})

    context = server_context(files.certificate, files.key, client_ca=client_ca)
    return Listener(ip_address("127.0.0.1"), free_port(), context, app, refuse, clock=clock)


def trusting(files, shown: ClientCertificate | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=files.ca_certificate)
    return shown.show(context) if shown else context


def get(port: int, context: ssl.SSLContext, *, session=None):
    """Return the body of one answer and the TLS session of its connection."""
    with (
        socket.create_connection(("127.0.0.1", port), timeout=30) as sock,
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
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)
            assert b"chunked" in head
            assert expected.encode() in await asyncio.wait_for(reader.readuntil(b"0\r\n\r\n"), 30)
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize(("seconds", "kept"), [(0.0, False), (60.0, True)])
async def test_certificate_is_verified_anew_now_and_then(files, tmp_path, seconds, kept):
    """No connection outlasts a revocation for long; one without a certificate may be kept."""
    authority = ClientAuthority(tmp_path)
    pace = PaceLimits(certificate_seconds=seconds)
    one = replace(certificate_listener(files, authority.file), pace=pace)
    async with serving(one) as port:
        for shown, stays in ((authority.issue(), kept), (None, True)):
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", port, ssl=trusting(files, shown)
            )
            writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)
            assert (b"connection: close" not in head) is stays
            await leave(writer)


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


CLIENT = ip_address("203.0.113.7")
PROXIES = (ip_network("127.0.0.0/8"),)


class Door:
    """An application that says who called and holds each answer until it is let go."""

    def __init__(self) -> None:
        self.asked, self.let_go = asyncio.Event(), asyncio.Event()
        self.left = 0

    async def __call__(self, scope, receive, send):
        """Send the head at once and the address when let go."""
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"", "more_body": True})
        self.asked.set()
        if scope["path"] == "/wait":
            await self.let_go.wait()
        der = scope.get("extensions", {}).get("tls", {}).get("client_cert_der", b"none")
        body = f"{scope['client'][0]} {hashlib.sha256(der).hexdigest()}".encode()
        await send({"type": "http.response.body", "body": body})
        while (await receive())["type"] != "http.disconnect":
            pass
        self.left += 1


def proxied(files, app, *, client_ca=None, **changes) -> Listener:
    context = server_context(files.certificate, files.key, client_ca=client_ca)
    one = Listener(
        ip_address("127.0.0.1"), free_port(), context, app, refuse, clock=now, proxies=PROXIES
    )
    return replace(one, **changes)


@contextmanager
def connected(port: int, header: bytes, context: ssl.SSLContext):
    """Connect as a proxy does that passes TLS on, and yield the client's end."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as sock:
        sock.sendall(header)
        with context.wrap_socket(sock, server_hostname="127.0.0.1") as tls:
            yield tls


def ask(tls: ssl.SSLSocket, path: str = "/") -> None:
    tls.sendall(f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode())


def answer(tls: ssl.SSLSocket) -> bytes:
    """Return all up to the end of one answer, or what came before the connection ended."""
    data = b""
    while not data.endswith(b"0\r\n\r\n") and (more := tls.recv(65_536)):
        data += more
    return data


async def test_proxied_client_is_who_the_header_says(files):
    """Behind a proxy that passes TLS on, the application sees the client, call after call."""

    def calls(header):
        with connected(port, header, trusting(files)) as tls:
            for _ in range(3):
                ask(tls)
                yield answer(tls)

    async with serving(proxied(files, Door())) as port:
        for header, expected in (
            (v1(CLIENT), b"203.0.113.7 "),
            (v2(ip_address("2001:db8::7")), b"2001:db8::7 "),
            (LOCAL, b"127.0.0.1 "),
        ):
            answers = await asyncio.to_thread(lambda h=header: list(calls(h)))
            assert all(expected in each for each in answers)
            assert len(answers) == 3


async def test_proxied_client_may_have_a_certificate(files, tmp_path):
    """The client certificate is the one of the connection inside the proxy's."""
    authority = ClientAuthority(tmp_path)
    shown = authority.issue()

    def call():
        with connected(port, v2(CLIENT), trusting(files, shown)) as tls:
            ask(tls)
            return answer(tls)

    async with serving(proxied(files, Door(), client_ca=authority.file)) as port:
        assert f"203.0.113.7 {said(shown)}".encode() in await asyncio.to_thread(call)


async def closed_without_a_word(port: int, said: bytes) -> bool:
    """Say *said* and return whether the connection ends and nothing comes back."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(said)
        return await asyncio.wait_for(reader.read(), 4.5) == b""  # before it is given up
    except ConnectionError:
        return True
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def test_direct_call_of_a_proxied_listener_is_closed(files):
    """Neither TLS nor HTTP without a PROXY header gets anywhere."""
    async with serving(proxied(files, Door())) as port:
        assert await closed_without_a_word(port, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
        assert await closed_without_a_word(port, b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")


async def test_stranger_cannot_connect_to_a_proxied_listener(files):
    """Whoever is not among the proxies is closed, PROXY header or not."""
    async with serving(proxied(files, Door(), proxies=(ip_network("192.0.2.0/24"),))) as port:
        assert await closed_without_a_word(port, b"")
        assert await closed_without_a_word(port, v1(CLIENT))


async def test_proxied_pipelining_ends_the_connection(files):
    """A second request before the first is answered is not served behind a proxy either."""
    door = Door()

    def call():
        with connected(port, v1(CLIENT), trusting(files)) as tls:
            ask(tls, "/wait")
            assert b"200" in tls.recv(65_536)
            ask(tls)
            return tls.recv(65_536)

    async with serving(proxied(files, door)) as port:
        with suppress(ConnectionError):
            assert await asyncio.to_thread(call) == b""
        door.let_go.set()
        await until(lambda: door.left == 1)


async def test_proxied_answers_are_finished_before_the_end(files):
    """At a stop, running answers behind a proxy go on, while half arrived connections are cut."""
    door, one = Door(), None

    def call():
        with connected(one.port, v1(CLIENT), trusting(files)) as tls:
            ask(tls, "/wait")
            return answer(tls)

    one = proxied(files, door)
    async with serving(one):
        running = asyncio.ensure_future(asyncio.to_thread(call))
        await asyncio.wait_for(door.asked.wait(), 30)
        half, writer = await asyncio.open_connection("127.0.0.1", one.port)
        writer.write(b"PROXY TCP4")
        await asyncio.sleep(0.05)
        os.kill(os.getpid(), signal.SIGTERM)
        with suppress(ConnectionError):
            assert await asyncio.wait_for(half.read(), 30) == b""
        assert not running.done()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", one.port)
        door.let_go.set()
        assert b"203.0.113.7 " in await asyncio.wait_for(running, 30)
        writer.close()
        await writer.wait_closed()


async def test_proxied_connections_have_the_listeners_limit(files):
    """Connections beyond the limit are closed at the door; the last that fits is served."""
    full, done = threading.Event(), threading.Event()

    def call():
        with connected(port, v1(CLIENT), trusting(files)) as first:
            ask(first)
            assert b"203.0.113.7 " in answer(first)
            with connected(port, v1(CLIENT), trusting(files)) as second:
                ask(second)
                data = second.recv(65_536)
                full.set()
                done.wait(30)
                return data

    async with serving(proxied(files, Door(), max_connections=2)) as port:
        calling = asyncio.ensure_future(asyncio.to_thread(call))
        await asyncio.to_thread(full.wait, 30)
        assert await closed_without_a_word(port, b"")
        done.set()
        assert b"200" in await calling


def heads_listener(files, **changes) -> Listener:
    """Return a listener whose answer names the headers that came, once the body is read."""

    async def app(scope, receive, send):
        while (await receive()).get("more_body"):
            pass
        body = b"\n".join(name for name, _ in scope["headers"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})

    context = server_context(files.certificate, files.key)
    one = Listener(ip_address("127.0.0.1"), free_port(), context, app, refuse, clock=now)
    return replace(one, **changes)


async def ended(files, port: int, *parts: bytes, pause_seconds: float = 0.0) -> bytes:
    """Send *parts* and return what came back until the listener closed the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting(files))
    try:
        with suppress(OSError):
            for part in parts:
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(pause_seconds)
        data = b""
        with suppress(OSError):
            async with asyncio.timeout(30):
                while piece := await reader.read(65536):
                    data += piece
        return data
    finally:
        writer.transport.abort()


HEAD = b"POST / HTTP/1.1\r\nhost: x\r\n"


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\nhost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\nHOST: y\r\n\r\n",
        b"POST / HTTP/1.0\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n",
        b"GET https://other/ HTTP/1.1\r\nhost: x\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\n" + b"a: b\r\n" * 100 + b"\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\na: " + b"b" * 16_384 + b"\r\n\r\n",
        b"GET /" + b"a" * 16_384 + b" HTTP/1.1\r\nhost: x\r\n\r\n",
    ],
)
async def test_ambiguous_or_huge_head_is_refused(files, request_bytes):
    """Heads that two servers read differently, or that cost memory, reach no application."""
    async with serving(heads_listener(files)) as port:
        answer = await ended(files, port, request_bytes)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"connection: close" in answer


async def test_head_at_the_limits_is_served(files):
    """A hundred headers and nearly all of the bytes are no reason to refuse."""
    close = b"connection: close\r\n\r\n"
    many = b"GET / HTTP/1.1\r\nhost: x\r\n" + b"a: b\r\n" * 98 + close
    long = b"GET / HTTP/1.1\r\nhost: x\r\na: " + b"b" * 16_000 + b"\r\n" + close
    async with serving(heads_listener(files)) as port:
        for request in (many, long):
            assert (await ended(files, port, request)).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    "start",
    [
        b"GET / HTTP/1.1\r\nhost: x\r\na: ",
        HEAD + b"transfer-encoding: chunked\r\n\r\n0\r\na: ",
        HEAD + b"transfer-encoding: chunked\r\n\r\n1;a=",
    ],
)
async def test_endless_line_is_cut_off(files, start):
    """A header, trailer or chunk extension that never ends is not collected in memory."""
    sent = 0

    async def pour() -> None:
        nonlocal sent
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting(files))
        writer.write(start)
        with suppress(OSError):
            while sent < 1 << 24 and not reader.at_eof():
                writer.write(b"b" * 4096)
                await writer.drain()
                await asyncio.sleep(0)
                sent += 4096
        writer.transport.abort()

    async with serving(heads_listener(files)) as port:
        await asyncio.wait_for(pour(), 20)
    assert sent < 1 << 23


async def test_trailer_is_never_taken_for_a_header(files):
    """What comes after the body cannot add to what was looked at before it (RFC 9110 §6.5.1)."""
    body = b"transfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nauthorization: Bearer x\r\n\r\n"
    async with serving(heads_listener(files)) as port:
        answer = await ended(files, port, HEAD + body)
    assert b"authorization" not in answer
    assert not answer.startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    "parts",
    [
        (),
        (b"\r\n",) * 8,
        (b"GET / HTTP/1.1\r\n", b"a: b\r\n", b"c: d\r\n", b"e: f\r\n", b"g: h\r\n", b"i: j\r\n"),
        (b"GET / HTTP/1.1\r\nhost: x\r\n\r\n", *(b"\r\n",) * 8),
    ],
)
async def test_connection_without_a_whole_head_is_closed(files, parts):
    """Nobody keeps a place by saying nothing, or a little now and then."""
    async with serving(heads_listener(files, pace=PaceLimits(head_seconds=0.3))) as port:
        began = asyncio.get_running_loop().time()
        await ended(files, port, *parts, pause_seconds=0.1)
        assert asyncio.get_running_loop().time() - began < 8  # not the ten seconds of others


async def test_bug_in_one_look_ends_no_other_time(files):
    """A connection that cannot be given up in order is cut, and others are given up as before."""

    def broken(_error, _address):
        raise ZeroDivisionError

    told = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, what: told.append(what))
    one = heads_listener(files, refuse=broken, pace=PaceLimits(head_seconds=0.2))
    async with serving(one) as port:
        for parts in ((b"GET / HTTP/1.1\r\n",), ()):
            async with asyncio.timeout(30):
                assert await ended(files, port, *parts) == b""
    assert [type(each["exception"]) for each in told] == [ZeroDivisionError]


async def test_running_answer_outlasts_the_time_of_a_head(files):
    """The time counts until a head is there, not for the body and the answer after it."""

    async def app(scope, receive, send):
        await receive()
        await asyncio.sleep(1.0)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"late"})

    one = heads_listener(files, app=app, pace=PaceLimits(head_seconds=0.5))
    head = b"POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 1\r\n\r\n"
    async with serving(one) as port:
        assert b"late" in await ended(files, port, head, b"x", b"\r\n", pause_seconds=0.1)


async def leave(writer: asyncio.StreamWriter) -> None:
    """Let go of a connection at once, whatever the other side does."""
    writer.close()
    writer.transport.abort()
    with suppress(OSError):
        await asyncio.wait_for(writer.wait_closed(), 30)


async def test_slow_reader_stops_the_application_and_is_given_up(files):
    """What nobody takes is not produced; who writes to one who takes nothing hears of it."""
    sent, stalled = 0, asyncio.Event()

    async def app(scope, receive, send):
        nonlocal sent
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        try:
            while sent < 1000:
                await send({"type": "http.response.body", "body": bytes(65_536), "more_body": True})
                sent += 1
                await asyncio.sleep(0)
        except ClientStalled:
            stalled.set()
            raise

    one = heads_listener(files, app=app, pace=PaceLimits(write_seconds=0.5))
    async with serving(one) as port:
        _reader, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=trusting(files), limit=1024
        )
        writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        await asyncio.wait_for(stalled.wait(), 30)
        assert sent < 400  # what the sockets of both sides hold
        await leave(writer)


async def test_one_address_has_so_many_places(files):
    """Beyond its number an address is closed before TLS, and a closed connection makes room."""
    async with serving(heads_listener(files, max_per_address=2)) as port:
        ends = [
            await asyncio.open_connection("127.0.0.1", port, ssl=trusting(files)) for _ in range(2)
        ]
        assert await closed_without_a_word(port, b"")
        for _, writer in ends:
            await leave(writer)
        answer = await served_at_last(files, port)
        assert answer.startswith(b"HTTP/1.1 200 ")


async def served_at_last(files, port: int) -> bytes:
    """Return the answer of the first connection that finds a place."""
    request = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
    async with asyncio.timeout(30):
        while True:
            with suppress(ConnectionError):
                return await ended(files, port, request)
            await asyncio.sleep(0.05)


async def test_addresses_through_which_many_come_have_no_number(files):
    """Proxies that name their clients have as many places as there are."""
    many = (ip_network("127.0.0.0/8"),)
    async with serving(heads_listener(files, max_per_address=1, gathering=many)) as port:
        ends = [
            await asyncio.open_connection("127.0.0.1", port, ssl=trusting(files)) for _ in range(3)
        ]
        for _, writer in ends:
            await leave(writer)


async def test_unfinished_handshake_has_a_place_and_an_end(files):
    """Who connects and shakes no hands counts, and is closed when the time is over."""
    one = heads_listener(files, max_per_address=1, handshake_seconds=0.5)
    async with serving(one) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        assert await closed_without_a_word(port, b"")
        with suppress(ConnectionError):
            assert await asyncio.wait_for(reader.read(), 30) == b""
        writer.close()
        answer = await served_at_last(files, port)
        assert answer.startswith(b"HTTP/1.1 200 ")
