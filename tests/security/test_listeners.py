"""Raw bytes against both listeners of a running gateway: one answer, one record, and no more."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.story.gateway import Gateway

HEAD = b"POST /oauth2/token HTTP/1.1\r\nhost: localhost\r\n"
GET = b"GET /livez HTTP/1.1\r\nhost: localhost\r\n"
END = b"\r\n"
REFUSED = {
    "CL and TE": (HEAD + b"content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "CL and TE with a request inside": (
        HEAD + b"content-length: 30\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n" + GET + END,
        400,
    ),
    "CL twice": (HEAD + b"content-length: 4\r\ncontent-length: 4\r\n\r\nabcd", 400),
    "CL as a list": (HEAD + b"content-length: 4, 4\r\n\r\nabcd", 400),
    "CL with a sign": (HEAD + b"content-length: +4\r\n\r\nabcd", 400),
    "CL with a space": (HEAD + b"content-length: 4 4\r\n\r\nabcd", 400),
    "TE on 1.0": (
        HEAD.replace(b"1.1", b"1.0") + b"transfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    "another TE": (HEAD + b"transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400),
    "bare LF": (GET.replace(b"\r\n", b"\n") + b"\n", 400),
    "obs-fold": (GET + b"a: b\r\n c\r\n\r\n", 400),
    "bare CR": (GET + b"a: b\rc: d\r\n\r\n", 400),
    "NUL in a value": (GET + b"a: b\x00\r\n\r\n", 400),
    "control character in a value": (GET + b"a: b\x08\r\n\r\n", 400),
    "no Host": (b"GET /livez HTTP/1.1\r\n\r\n", 400),
    "two Hosts": (GET + b"host: localhost\r\n\r\n", 400),
    "empty Host": (b"GET /livez HTTP/1.1\r\nhost:\r\n\r\n", 400),
    "odd Host": (b"GET /livez HTTP/1.1\r\nhost: a/b\r\n\r\n", 400),
    "absolute form": (GET.replace(b"/livez", b"https://other.example/livez") + END, 400),
    "absolute form of the own host": (GET.replace(b"/livez", b"https://localhost/") + END, 400),
    "authority form": (GET.replace(b"GET /livez", b"CONNECT localhost:443") + END, 400),
    "asterisk form": (GET.replace(b"GET /livez", b"OPTIONS *") + END, 400),
    "TRACE": (GET.replace(b"GET", b"TRACE") + END, 400),
    **{
        f"path {path.decode('latin-1')!r}": (GET.replace(b"/livez", path) + END, 400)
        for path in (
            b"//v1/../admin", b"/v1/..;/admin", b"/v1\\..\\admin", b"/v1%2f..%2fadmin",
            b"/v1%2F..%2Fadmin", b"/admin%00", b"/admin\x00", b"/v1/%6dodels", b"/v1/./models",
            b"/livez;a", b"/livez#a", b"/livez%", b"/%252e%252e/admin",
        )
    },
    "underscore": (GET + b"x_forwarded_for: 10.0.0.1\r\n\r\n", 400),
    "Connection: Authorization": (GET + b"connection: authorization\r\n\r\n", 400),
    "two Authorizations": (GET + b"authorization: a\r\nauthorization: b\r\n\r\n", 400),
    "Upgrade": (GET + b"connection: upgrade\r\nupgrade: websocket\r\n\r\n", 400),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "HTTP/0.9": (b"GET /livez\r\n\r\n", 400),
    "Expect": (HEAD + b"expect: a-miracle\r\ncontent-length: 1\r\n\r\na", 417),
    "compressed": (HEAD + b"content-encoding: gzip\r\ncontent-length: 1\r\n\r\na", 415),
    "64 KB header": (GET + b"a: " + b"b" * 65_536 + b"\r\n\r\n", 431),
    "2000 headers": (GET + b"a: b\r\n" * 2000 + b"\r\n", 431),
    "long target": (GET.replace(b"/livez", b"/" + b"a" * 9000) + END, 414),
}  # fmt: skip
BAD_FRAMES = {
    "bare LF in an extension": b"1;a\nx\r\n0\r\n\r\n",
    "bare CR in an extension": b"1;a\rb\r\nx\r\n0\r\n\r\n",
    "long extension": b"1;" + b"a" * 70_000,
    "trailer": b"1\r\nx\r\n0\r\nauthorization: Bearer x\r\n\r\n",
    "space in a size": b"1 \r\nx\r\n0\r\n\r\n",
}


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    """A gateway whose clients have little time."""
    with tempfile.TemporaryDirectory(prefix="sealgate-") as folder:
        directory = Path(folder)
        (directory / "vllm.key").write_text("k1")
        gateway = Gateway(
            directory,
            socket=directory / "v.sock",
            api_key_file=directory / "vllm.key",
            extra="[edge]\nhead_seconds = 1\nbody_window_seconds = 1\nidle_seconds = 2\n",
        )
        try:
            gateway.start()
            yield gateway
        finally:
            gateway.stop()


@pytest.fixture(params=["public", "admin"])
def port(request, gateway) -> int:
    """The port of either listener."""
    return gateway.port if request.param == "public" else gateway.admin_port


def connect(gateway: Gateway, port: int) -> ssl.SSLSocket:
    sock = socket.create_connection(("127.0.0.1", port), timeout=30)
    return gateway.tls().wrap_socket(sock, server_hostname="127.0.0.1")


def exchange(gateway: Gateway, port: int, *parts: bytes) -> bytes:
    """Send *parts* and return everything until the listener closes."""
    answer = b""
    with connect(gateway, port) as tls, suppress(OSError):
        for part in parts:
            tls.sendall(part)
        while data := tls.recv(65_536):
            answer += data
    return answer


def statuses(answer: bytes) -> list[int]:
    """Return the status of each answer in *answer*."""
    return [int(status) for status in re.findall(rb"HTTP/1\.1 ([0-9]{3}) ", answer)]


def one_answer(tls: ssl.SSLSocket) -> bytes:
    """Return what comes until nothing more is due, or the connection ends."""
    answer = b""
    while not answer.endswith((b"ok\n", b"}")) and (data := tls.recv(65_536)):
        answer += data
    return answer


def recorded(gateway: Gateway) -> list[int]:
    """Return the statuses of all records, once those of earlier requests are written."""
    before: list[int] = []
    while before != (now := [record["status"] for record in gateway.access_records()]) or not now:
        before = now
        time.sleep(0.6)  # longer than a record may be late
    return now


def wait_for_records(gateway: Gateway, before: int, count: int) -> list[int]:
    """Return the statuses of what was recorded after *before*, once there are *count*."""
    deadline = time.monotonic() + 30
    while len(added := recorded(gateway)[before:]) < count:
        assert time.monotonic() < deadline
    return added


def test_table_is_refused_and_recorded(gateway, port):
    """Each head has one answer that closes, nothing after it is served, and each is in the log."""
    before = len(recorded(gateway))
    for name, (data, status) in REFUSED.items():
        answer = exchange(gateway, port, data, GET + END)
        assert statuses(answer) == [status], name
        assert b"\r\nconnection: close\r\n" in answer, name
        assert b"application/problem+json" in answer, name
    added = wait_for_records(gateway, before, len(REFUSED))
    assert sorted(added) == sorted(status for _, status in REFUSED.values())


@pytest.mark.parametrize("frames", BAD_FRAMES.values(), ids=BAD_FRAMES)
def test_broken_frames_are_answered_once(gateway, frames):
    """A body that cannot be read is one refusal, whatever comes after it."""
    start = HEAD + b"transfer-encoding: chunked\r\n\r\n"
    with connect(gateway, gateway.port) as tls:
        tls.sendall(start + frames + GET + END)
        answer = one_answer(tls)
    assert statuses(answer) == [400]
    assert b"connection: close" in answer


def test_pipelined_request_is_not_served(gateway, port):
    """The answer to the second of two requests that come at once never comes."""
    assert len(statuses(exchange(gateway, port, (GET + END) * 2))) <= 1


def test_kept_connection_serves_one_after_the_other(gateway, port):
    """Ordinary clients keep their connection, with or without an empty line in between."""
    with connect(gateway, port) as tls:
        for _ in range(3):
            tls.sendall(b"\r\n" + GET + END)
            assert statuses(one_answer(tls)) == [200]


async def _drip_all(gateway: Gateway, count: int) -> list[bytes]:
    return await asyncio.gather(*(_drip(gateway, gateway.port) for _ in range(count)))


async def _drip(gateway: Gateway, port: int) -> bytes:
    """Send a header line now and then until the listener closes; return what it said."""
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=gateway.tls(), ssl_shutdown_timeout=1
    )
    reading = asyncio.ensure_future(reader.read())
    with suppress(OSError):
        writer.write(GET)
        while not reading.done():
            writer.write(b"a: b\r\n")
            await asyncio.wait({reading}, timeout=0.1)
    answer = b""
    with suppress(OSError):
        answer = await reading
    writer.transport.abort()
    return answer


def test_slow_heads_are_closed(gateway):
    """Fifty clients that never finish their head are told so and lose their places."""
    before = len(recorded(gateway))
    answers = asyncio.run(_drip_all(gateway, 50))
    assert all(statuses(answer) in ([408], []) for answer in answers)
    assert wait_for_records(gateway, before, 50) == [408] * 50


def test_slow_body_is_answered_by_its_application(gateway, port):
    """A body that trickles is 408 in the shape of the path, and the connection ends."""
    path = b"/oauth2/token" if port == gateway.port else b"/admin/v1/clients"
    head = HEAD.replace(b"/oauth2/token", path)
    answer = b""
    with connect(gateway, port) as tls, suppress(OSError):
        tls.sendall(head + b"content-length: 90000\r\n\r\nabc")
        answer = one_answer(tls)
    assert statuses(answer) in ([408], [401])
    assert b"connection: close" in answer


def test_idle_connection_is_closed(gateway, port):
    """Who asks for nothing any more is closed without a word."""
    with connect(gateway, port) as tls:
        tls.sendall(GET + END)
        assert statuses(one_answer(tls)) == [200]
        assert tls.recv(65_536) == b""
