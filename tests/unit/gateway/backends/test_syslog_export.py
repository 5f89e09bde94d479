"""The export to syslog: it never waits, and says what it lost."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from gateway.backends.syslog_export import SyslogExport, SyslogPlace
from gateway.core.access_log import AccessRecord
from gateway.core.syslog import encode_message, frame_message
from tests.fakes.control import LOOPBACK, FakeClock

RECORDS = [AccessRecord(FakeClock().now, status, LOOPBACK) for status in range(5)]


class Server:
    """A server to which one connects, in vain for the first *refusals* times."""

    def __init__(self, *, refusals: int = 0, breaks: int = 0) -> None:
        self.refusals, self.breaks = refusals, breaks
        self.received: list[bytes] = []
        self.open = 0
        self.lost = 0
        self.arrived = threading.Semaphore(0)

    def connect(self) -> Server:
        """Connect, or raise."""
        if self.refusals:
            self.refusals -= 1
            raise ConnectionRefusedError
        self.open += 1
        return self

    def sendall(self, data: bytes, /) -> None:
        """Take *data*, or break."""
        if self.breaks:
            self.breaks -= 1
            raise BrokenPipeError
        self.received.append(data)
        self.arrived.release()

    def close(self) -> None:
        """Let go of one connection."""
        self.open -= 1

    def count_lost(self, count: int) -> None:
        """Count what was dropped."""
        self.lost += count

    def export(self, *, is_stream: bool = True) -> SyslogExport:
        """Return an export to this server that waits for nothing."""
        return SyslogExport(
            self.connect, is_stream=is_stream, count_lost=self.count_lost, pause_seconds=0
        )


@pytest.fixture(params=[(0, 0), (3, 0), (0, 2), (1, 1)])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """Give a server that may be away at first, or break in the middle."""
    refusals, breaks = request.param
    yield (server := Server(refusals=refusals, breaks=breaks))
    assert server.open == 0


@pytest.mark.parametrize("is_stream", [True, False])
def test_all_records_arrive_in_order(server: Server, is_stream: bool) -> None:
    """Whatever happens to the connection, what waits is sent once it is there."""
    export = server.export(is_stream=is_stream)
    export.offer(RECORDS)
    for _ in RECORDS:
        assert server.arrived.acquire(timeout=30)
    export.close()
    messages = [encode_message(record) for record in RECORDS]
    assert server.received == ([frame_message(m) for m in messages] if is_stream else messages)
    assert server.lost == 0


def test_what_does_not_fit_is_dropped_and_counted() -> None:
    """While the server is away nobody waits; every record that is not sent is counted."""
    server = Server(refusals=10**9)
    export = SyslogExport(server.connect, is_stream=True, count_lost=server.count_lost)
    for _ in range(2_100):
        export.offer(RECORDS)
    assert server.lost >= 499
    export.close()
    assert server.lost == 2_100 * len(RECORDS)
    assert server.received == []


def test_authorities_that_cannot_be_read_are_an_error(tmp_path) -> None:
    """A gateway that could not check the server does not start to send."""
    with pytest.raises(OSError, match="No such file"):
        SyslogExport.to(
            SyslogPlace("tls", "127.0.0.1", 6514, tmp_path / "none"), count_lost=lambda _: None
        )
