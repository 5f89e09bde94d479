"""Access records over real sockets to a collector, as it may behave."""

from __future__ import annotations

import queue
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from prometheus_client import CollectorRegistry

from gateway.backends.certificates import CertificateFiles, ensure_certificates, server_context
from gateway.backends.export_thread import ExportThread
from gateway.backends.http_post import HttpAnswer, HttpPost
from gateway.backends.otlp_export import OtlpPlace, OtlpSender
from gateway.configured_log import open_log_writer
from gateway.core.access_log import AccessRecord
from gateway.settings import load_configuration
from tests.fakes.control import LOOPBACK, FakeClock, make_wrap, open_log

RECORDS = [
    AccessRecord(datetime(2026, 11, 23, tzinfo=UTC), status, LOOPBACK) for status in range(200, 205)
]
Answer = Callable[[BaseHTTPRequestHandler], None]


class Posted(NamedTuple):
    """One request: the connection it came over, its target, its head, and its records."""

    connection: tuple[str, int]
    target: str
    head: Message
    statuses: list[int]
    addresses: list[str]


class Collector:
    """An HTTP server that goes through *answers*, then takes all."""

    def __init__(self, *answers: Answer, tls: ssl.SSLContext | None = None) -> None:
        self.posted: queue.Queue[Posted] = queue.Queue()
        self.ended = threading.Event()
        waiting = list(answers)
        collector = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:  # the library's name
                body = self.rfile.read(int(self.headers["content-length"]))
                request = json_format.Parse(body, ExportLogsServiceRequest())
                logs = request.resource_logs[0].scope_logs[0].log_records
                statuses = [log.attributes[0].value.int_value for log in logs]
                addresses = [log.attributes[1].value.string_value for log in logs]
                collector.posted.put(
                    Posted(self.client_address, self.path, self.headers, statuses, addresses)
                )
                (waiting.pop(0) if waiting else reply(200))(self)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            def handle_error(self, *_: Any) -> None:
                """A connection that breaks is what some tests are about."""

        self._server = Server(("127.0.0.1", 0), Handler)
        if tls is not None:
            self._server.socket = tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    def next(self) -> Posted:
        """Return the next request."""
        return self.posted.get(timeout=30)

    def close(self) -> None:
        """Stop serving."""
        self.ended.set()
        self._server.shutdown()
        self._server.socket.close()
        self._thread.join()


def reply(status: int, body: bytes = b"{}", *, cut: bool = False, **fields: str) -> Answer:
    """Return what answers so, and with *cut* ends the connection without a word of it."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(body)))
        for name, value in fields.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)
        handler.close_connection = cut

    return answer


@contextmanager
def exporting(
    place: OtlpPlace, *, seconds: float = 10.0
) -> Iterator[tuple[ExportThread, list[int]]]:
    """Give an export that pauses shortly, and what it lost; end it."""
    lost: list[int] = []
    sender = OtlpSender.to(place, FakeClock(), seconds=seconds)
    export = ExportThread(
        sender, name="otlp", count_lost=lost.append, first_pause_seconds=0.01, close_seconds=30
    )
    try:
        yield export, lost
    finally:
        export.close()


@contextmanager
def collecting(*answers: Answer, tls: ssl.SSLContext | None = None) -> Iterator[Collector]:
    """Give a collector; end it."""
    collector = Collector(*answers, tls=tls)
    try:
        yield collector
    finally:
        collector.close()


def plain(collector: Collector) -> OtlpPlace:
    """Return the place of a collector beside the gateway."""
    return OtlpPlace(f"http://127.0.0.1:{collector.port}")


@pytest.fixture
def files(tmp_path: Path) -> CertificateFiles:
    """Return a certificate for this machine and its authority."""
    files = CertificateFiles.in_directory(tmp_path)
    ensure_certificates(files, ["127.0.0.1"], now=datetime.now(UTC))
    return files


def test_batches_over_tls_with_a_token(files: CertificateFiles, tmp_path: Path) -> None:
    """Batches follow each other over one connection, to the collector's path, with its fields."""
    fields = tmp_path / "fields"
    fields.write_text("Authorization: Bearer t-1\n", "utf-8")
    with collecting(tls=server_context(files.certificate, files.key)) as collector:
        url = f"https://127.0.0.1:{collector.port}/tenant/"
        with exporting(OtlpPlace(url, files.ca_certificate, fields)) as (export, lost):
            for _ in range(2):
                export.offer(RECORDS)
                posted = collector.next()
                assert posted.statuses == [200, 201, 202, 203, 204]
                assert posted.target == "/tenant/v1/logs"
                assert posted.head["authorization"] == "Bearer t-1"
                assert posted.head["content-type"] == "application/json"
                assert posted.head["host"] == f"127.0.0.1:{collector.port}"
                connection = posted.connection
            export.offer(RECORDS[:1])
            assert collector.next().connection == connection
    assert sum(lost) == 0


async def test_log_as_it_is_kept_reaches_the_configured_collector(tmp_path: Path) -> None:
    """What is written to the log goes there, with its address as the log hides it."""
    config = tmp_path / "sealgate.toml"
    with collecting() as collector:
        text = f'otlp = "http://127.0.0.1:{collector.port}"\naddresses = "truncated"\n'
        config.write_text(f"[access_log]\n{text}", "utf-8")
        writer = open_log_writer(
            load_configuration(config),
            open_log(tmp_path / "log", make_wrap()),
            lambda: RECORDS[0].at,
            registry=CollectorRegistry(),
        )
        await writer.prepare()
        writer.write(replace(RECORDS[0], ip=ip_address("192.0.2.77")))
        await writer.close()
        posted = collector.next()
    assert (posted.statuses, posted.addresses) == ([200], ["192.0.2.0"])


def test_a_collector_nobody_vouches_for_gets_nothing(
    files: CertificateFiles, tmp_path: Path
) -> None:
    """Without the authority's word not a byte of a record is sent, and all are counted as lost."""
    (tmp_path / "other").mkdir()
    other = CertificateFiles.in_directory(tmp_path / "other")
    ensure_certificates(other, ["127.0.0.1"], now=datetime.now(UTC))
    with collecting(tls=server_context(files.certificate, files.key)) as collector:
        place = OtlpPlace(f"https://127.0.0.1:{collector.port}", other.ca_certificate)
        with exporting(place) as (export, lost):
            export.offer(RECORDS)
        assert sum(lost) == len(RECORDS)
        assert collector.posted.empty()


@pytest.mark.parametrize(
    "refusal",
    [
        reply(429),
        reply(503, Retry_After="0"),
        reply(502, b"<html>", cut=True),
        reply(504, Retry_After="Mon, 23 Nov 2020 10:31:15 GMT"),
        lambda handler: handler.connection.shutdown(socket.SHUT_RDWR),
        lambda handler: handler.wfile.write(b"nonsense\r\n\r\n"),
    ],
    ids=["429", "503", "502", "504", "cut", "nonsense"],
)
def test_what_may_be_sent_again_is(refusal: Answer) -> None:
    """After these answers, and after none, the same records come once more."""
    with collecting(refusal) as collector, exporting(plain(collector)) as (export, lost):
        export.offer(RECORDS)
        assert collector.next().statuses == collector.next().statuses
    assert sum(lost) == 0


@pytest.mark.parametrize(
    ("answer", "count"),
    [
        (reply(400, b'{"message":"no"}'), 5),
        (reply(401, b""), 5),
        (reply(307, b"", Location="http://127.0.0.1/v1/logs"), 5),
        (reply(200, b'{"partialSuccess":{"rejectedLogRecords":"2","errorMessage":"old"}}'), 2),
        (reply(200, b"x" * 99_999), 5),
    ],
    ids=["400", "401", "307", "partial", "endless"],
)
def test_what_is_refused_for_good_is_not_sent_again(answer: Answer, count: int) -> None:
    """It is counted, and what comes after it goes on."""
    with collecting(answer) as collector, exporting(plain(collector)) as (export, lost):
        export.offer(RECORDS)
        assert len(collector.next().statuses) == 5
        export.offer(RECORDS[:1])
        assert collector.next().statuses == [200]
    assert sum(lost) == count


def test_connection_that_was_idle_too_long_costs_nothing() -> None:
    """A collector that has closed it meanwhile gets the records over a new one at once."""
    with collecting(reply(200, cut=True)) as collector:
        lost: list[int] = []
        sender = OtlpSender.to(plain(collector), FakeClock())
        export = ExportThread(
            sender, name="otlp", count_lost=lost.append, first_pause_seconds=60, close_seconds=30
        )
        for _ in range(2):
            export.offer(RECORDS)
            assert len(collector.next().statuses) == 5
        export.close()
    assert sum(lost) == 0


@pytest.mark.parametrize("way", ["silent", "slow head", "slow body", "takes nothing"])
def test_no_post_takes_longer_than_it_may(way: str) -> None:
    """However slowly a collector takes or answers, a post ends in time."""
    ended = threading.Event()

    def serve(server: socket.socket) -> None:
        start = b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n"
        start += b"\r\n" if way == "slow body" else b"X: "
        with suppress(OSError):
            stream, _ = server.accept()
            with stream:
                while not ended.wait(0.02):
                    if way.startswith("slow"):
                        stream.sendall(start or b"x")
                        start = b""

    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        thread = threading.Thread(target=serve, args=(server,))
        thread.start()
        post = HttpPost(f"http://127.0.0.1:{server.getsockname()[1]}", seconds=0.2)
        body = b"x" * (2**24 if way == "takes nothing" else 1)
        if way == "slow body":  # the collector has decided, and what it says besides comes too late
            assert post.post(body, fields=b"") == HttpAnswer(200, None, None)
        else:
            with pytest.raises(TimeoutError):
                post.post(body, fields=b"")
        ended.set()
        thread.join()
        post.close()


def test_what_nobody_asked_for_answers_no_post() -> None:
    """What a server says on an idle connection, before it ends it, is not the next answer."""
    answered, told = threading.Event(), threading.Event()
    posted: list[bytes] = []

    def serve(server: socket.socket) -> None:
        for has_more in (True, False):
            stream, _ = server.accept()
            with stream:
                posted.append(stream.recv(1024)[-3:])
                stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                if has_more:
                    answered.wait(30)
                    stream.sendall(b"HTTP/1.1 408 Slow\r\nContent-Length: 0\r\n\r\n")
                    told.set()

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, args=(server,))
        thread.start()
        post = HttpPost(f"http://127.0.0.1:{server.getsockname()[1]}")
        assert post.post(b"one", fields=b"").status == 200
        answered.set()
        told.wait(30)
        assert post.post(b"two", fields=b"").status == 200
        thread.join()
        post.close()
    assert posted == [b"one", b"two"]


def test_who_answers_before_all_was_sent_is_heard() -> None:
    """A collector that will not take so much says so, and the records are not sent again."""

    def serve(server: socket.socket) -> None:
        stream, _ = server.accept()
        with stream:
            stream.recv(1024)
            stream.sendall(b"HTTP/1.1 413 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            stream.shutdown(socket.SHUT_WR)
            while stream.recv(65_536):
                pass

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, args=(server,))
        thread.start()
        post = HttpPost(f"http://127.0.0.1:{server.getsockname()[1]}")
        assert post.post(b"x" * 2**22, fields=b"").status == 413
        thread.join()
        post.close()
