"""Access records as messages of syslog."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import ip_address

from gateway.core.access_log import AccessRecord
from gateway.core.syslog import encode_message, frame_message

RECORD = AccessRecord(
    datetime(2026, 11, 23, 10, 30, 15, 500_000, UTC), 200, ip_address("2001:db8::1")
)
MESSAGE = b'<134>1 2026-11-23T10:30:15.500Z - sealgate - access - {"status":200,"ip":"2001:db8::1"}'


def test_message_has_three_fields() -> None:
    """Time, status and address; neither host nor process nor anything else (RFC 5424 §6)."""
    assert encode_message(RECORD) == MESSAGE


def test_stream_tells_lengths() -> None:
    """In a stream each message stands behind its length, so that no line end is needed."""
    assert frame_message(MESSAGE) == b"%d " % len(MESSAGE) + MESSAGE
