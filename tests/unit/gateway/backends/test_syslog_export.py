"""Access records on their way to syslog."""

from __future__ import annotations

import pytest

from gateway.backends.syslog_export import SyslogPlace, SyslogSender
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

    def close(self) -> None:
        """Let go of one connection."""
        self.open -= 1


@pytest.mark.parametrize("is_stream", [True, False])
def test_each_record_is_a_message(is_stream: bool) -> None:
    """Over one connection, in a stream each behind its length."""
    server = Server()
    sender = SyslogSender(server.connect, is_stream=is_stream)
    assert [sender.send([record]) for record in RECORDS] == [0] * len(RECORDS)
    assert server.open == 1
    sender.close()
    messages = [encode_message(record) for record in RECORDS]
    assert server.received == ([frame_message(m) for m in messages] if is_stream else messages)
    assert server.open == 0


@pytest.mark.parametrize("fault", ["refusals", "breaks"])
def test_connection_that_broke_is_not_used_again(fault: str) -> None:
    """The error says that the record is to be sent again, and then there is a new connection."""
    server = Server(**{fault: 1})
    sender = SyslogSender(server.connect, is_stream=True)
    with pytest.raises(ConnectionError):
        sender.send(RECORDS[:1])
    assert (server.open, server.received) == (0, [])
    sender.send(RECORDS[:1])
    assert server.open == len(server.received) == 1


def test_authorities_that_cannot_be_read_are_an_error(tmp_path) -> None:
    """A gateway that could not check the server does not start to send."""
    with pytest.raises(OSError, match="No such file"):
        SyslogSender.to(SyslogPlace("tls", "127.0.0.1", 6514, tmp_path / "none"))
