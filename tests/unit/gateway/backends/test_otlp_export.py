"""Access records on their way to a collector."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.backends.export_thread import Postponed
from gateway.backends.http_post import HttpAnswer
from gateway.backends.otlp_export import InvalidFieldsFile, OtlpPlace, OtlpSender
from gateway.core.access_log import AccessRecord
from gateway.core.otlp import encode_logs
from tests.fakes.control import LOOPBACK, FakeClock

RECORDS = [AccessRecord(FakeClock().now, status, LOOPBACK) for status in range(5)]


class Collector:
    """A collector that answers always the same."""

    def __init__(self, status: int, body: bytes | None = b"{}", *, retry_after: str | None = None):
        self.answer = HttpAnswer(status, retry_after, body)
        self.received: list[tuple[bytes, bytes]] = []
        self.is_closed = False

    def post(self, body: bytes, *, fields: bytes) -> HttpAnswer:
        """Take a request."""
        self.received.append((fields, body))
        return self.answer

    def close(self) -> None:
        """Note the end."""
        self.is_closed = True

    def sender(self, **options: Path) -> OtlpSender:
        """Return a sender to this collector."""
        return OtlpSender(self, FakeClock(), **options)


def test_records_are_posted_as_json() -> None:
    """A request says what it is, and no more."""
    collector = Collector(200)
    sender = collector.sender()
    assert sender.send(RECORDS) == 0
    assert collector.received == [(b"Content-Type: application/json\r\n", encode_logs(RECORDS))]
    sender.close()
    assert collector.is_closed


@pytest.mark.parametrize(
    ("status", "body", "lost"),
    [
        (200, b'{"partialSuccess":{"rejectedLogRecords":"2"}}', 2),
        (200, b'{"partialSuccess":{"rejectedLogRecords":"99"}}', 5),
        (200, b"", 0),
        (204, b"", 0),
        (200, None, 5),
        (302, b"", 5),
        (400, b"", 5),
        (401, b"", 5),
        (408, b"", 5),
        (413, b"", 5),
        (500, b"", 5),
        (501, b"", 5),
    ],
)
def test_what_is_not_taken_for_good_is_counted(status: int, body: bytes | None, lost: int) -> None:
    """What a collector rejects, and whatever it does not say to send again, is lost."""
    assert Collector(status, body).sender().send(RECORDS) == lost


@pytest.mark.parametrize("status", [429, 502, 503, 504])
@pytest.mark.parametrize(("retry_after", "seconds"), [(None, None), ("30", 30), ("soon", None)])
def test_what_may_be_sent_again_is(
    status: int, retry_after: str | None, seconds: float | None
) -> None:
    """These four statuses ask for the same records, and may say when."""
    with pytest.raises(Postponed) as caught:
        Collector(status, b"", retry_after=retry_after).sender().send(RECORDS)
    assert caught.value.seconds == seconds


def test_new_fields_count_at_once(tmp_path: Path) -> None:
    """What proves the gateway to the collector is changed without a restart."""
    file = tmp_path / "fields"
    file.write_text("Authorization: Bearer old\n", "utf-8")
    collector = Collector(200)
    sender = collector.sender(fields_file=file)
    sender.send(RECORDS)
    file.write_text("Authorization: Bearer new\n", "utf-8")
    sender.send(RECORDS)
    for word, (fields, _) in zip((b"old", b"new"), collector.received, strict=True):
        assert fields.endswith(b"\r\nAuthorization: Bearer %b\r\n" % word)


@pytest.mark.parametrize("content", [None, b"hush", "hüsh: 1".encode(), b"a: b\n" * 4_000])
def test_fields_that_cannot_be_sent_are_an_error(tmp_path: Path, content: bytes | None) -> None:
    """Without them nothing is sent, at the start and later; the error does not show them."""
    file = tmp_path / "fields"
    file.write_bytes(b"a: b")
    collector = Collector(200)
    sender = collector.sender(fields_file=file)
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content)
    with pytest.raises(InvalidFieldsFile) as caught:
        sender.send(RECORDS)
    assert caught.value.__cause__ is None
    assert "hush" not in str(caught.value)
    with pytest.raises(InvalidFieldsFile):
        collector.sender(fields_file=file)
    assert collector.received == []


def test_authorities_that_cannot_be_read_are_an_error(tmp_path: Path) -> None:
    """A gateway that could not check the collector does not start to send."""
    place = OtlpPlace("https://127.0.0.1:4318", ca_file=tmp_path / "none")
    with pytest.raises(OSError, match="No such file"):
        OtlpSender.to(place, FakeClock())
