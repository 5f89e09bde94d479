"""Requests that no application sees."""

from __future__ import annotations

import orjson

from gateway.api.unread_requests import UnreadRequests
from gateway.core.head_errors import HeadTooLarge
from gateway.pipeline.record import Record
from tests.fakes.world import clock


class Log(list):
    """An access log in memory."""

    def write(self, record):
        self.append((record.at, record.status, str(record.ip)))


def test_refused_request_is_answered_and_recorded():
    """The answer is problem+json that nobody keeps, and the log has time, status and address."""
    log = Log()
    status, headers, body = UnreadRequests(Record(log, clock))(HeadTooLarge(), "2001:db8::7")
    assert status == orjson.loads(body)["status"] == 431
    assert dict(headers) == {
        b"content-type": b"application/problem+json",
        b"cache-control": b"no-store",
    }
    assert log == [(clock(), 431, "2001:db8::7")]
