"""Access records over real sockets to a syslog server."""

from __future__ import annotations

import socket
import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.backends.certificates import CertificateFiles, ensure_certificates, server_context
from gateway.backends.export_thread import ExportThread
from gateway.backends.syslog_export import SyslogPlace, SyslogSender
from gateway.core.access_log import AccessRecord
from gateway.core.syslog import encode_message, frame_message
from tests.fakes.control import LOOPBACK

RECORDS = [
    AccessRecord(datetime(2026, 11, 23, tzinfo=UTC), status, LOOPBACK) for status in range(200, 205)
]
FRAMES = b"".join(frame_message(encode_message(record)) for record in RECORDS)


@pytest.fixture
def files(tmp_path: Path) -> CertificateFiles:
    """Return a certificate for this machine and its authority."""
    files = CertificateFiles.in_directory(tmp_path)
    ensure_certificates(files, ["127.0.0.1"], now=datetime.now(UTC))
    return files


def export_to(place: SyslogPlace, lost: list[int]) -> ExportThread:
    """Return an export to *place*, as it is configured."""
    return ExportThread(SyslogSender.to(place), name="syslog", count_lost=lost.append)


def read_whole(stream: socket.socket) -> bytes:
    """Return as many bytes as all frames have."""
    received = b""
    while len(received) < len(FRAMES):
        received += stream.recv(4096)
    return received


def test_datagrams() -> None:
    """Over UDP each record is a datagram."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(30)
        place = SyslogPlace("udp", *server.getsockname())
        export = export_to(place, [])
        export.offer(RECORDS)
        assert [server.recv(4096) for _ in RECORDS] == list(map(encode_message, RECORDS))
        export.close()


@pytest.mark.parametrize("transport", ["tcp", "tls"])
def test_streams(files: CertificateFiles, transport: str) -> None:
    """Over TCP and over TLS the records follow each other, each behind its length."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(30)
        place = SyslogPlace(transport, *server.getsockname(), files.ca_certificate)
        export = export_to(place, [])
        export.offer(RECORDS)
        stream, _ = server.accept()
        stream.settimeout(30)
        if transport == "tls":
            context = server_context(files.certificate, files.key)
            stream = context.wrap_socket(stream, server_side=True)
        with stream:
            assert read_whole(stream) == FRAMES
        export.close()


def test_a_server_nobody_vouches_for_gets_nothing(files: CertificateFiles, tmp_path: Path) -> None:
    """Without the authority's word not a byte of a record is sent, and all are counted as lost."""
    (tmp_path / "other").mkdir()
    other = CertificateFiles.in_directory(tmp_path / "other")
    ensure_certificates(other, ["127.0.0.1"], now=datetime.now(UTC))
    lost: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(30)
        place = SyslogPlace("tls", *server.getsockname(), other.ca_certificate)
        export = export_to(place, lost)
        export.offer(RECORDS)
        stream, _ = server.accept()
        stream.settimeout(30)
        context = server_context(files.certificate, files.key)
        with pytest.raises(ssl.SSLError):
            context.wrap_socket(stream, server_side=True).recv(4096)
        stream.close()
        export.close()
    assert sum(lost) == len(RECORDS)
