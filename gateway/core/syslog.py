"""An access record as a message of syslog (RFC 5424): the same three fields, and no fourth.

No host and no process is named. The time is that of the header, status and address are the text.
"""

from __future__ import annotations

from typing import Final

from gateway.core.access_log import AccessRecord, record_time

_PRIORITY: Final = 16 * 8 + 6  # local0, informational (RFC 5424 §6.2.1)


def encode_message(record: AccessRecord) -> bytes:
    """Return the message of *record*, without a frame: what a datagram holds (RFC 5426)."""
    text = f'{{"status":{record.status},"ip":"{record.ip}"}}'
    return f"<{_PRIORITY}>1 {record_time(record)} - sealgate - access - {text}".encode("ascii")


def frame_message(message: bytes) -> bytes:
    """Return *message* as it stands in a stream: behind its length (RFC 5425 §4.3, RFC 6587)."""
    return b"%d %b" % (len(message), message)
