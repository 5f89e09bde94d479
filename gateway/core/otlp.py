"""Access records as OTLP logs in JSON, and what a collector answers (OTLP 1.9, OTLP/HTTP).

Time, status and address of each record, and no other attribute: no host and no process is named.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson

from gateway.core.access_log import AccessRecord, record_milliseconds

LOGS_PATH: Final = "/v1/logs"
"""What follows the address of a collector (OTLP/HTTP Request)."""

RETRYABLE: Final = frozenset({429, 502, 503, 504})
"""The statuses after which the same records are sent again; after no other error may they be."""

_SCOPE: Final = "sealgate.access"  # what tells these records from others at the collector
_DATE: Final = "%a, %d %b %Y %H:%M:%S GMT"  # the one form that may be sent (RFC 9110 §5.6.7)
_FIELD_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # a token (RFC 9110 §5.6.2)
_OUR_FIELDS: Final = frozenset(
    {
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
        "host",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


def encode_logs(records: Iterable[AccessRecord]) -> bytes:
    """Return an ``ExportLogsServiceRequest`` of *records*, about 200 bytes for each.

    Names are those of the semantic conventions. 64-bit integers are strings, as they are in the
    JSON of protobuf. Times are whole milliseconds, as the log has them.
    """
    scope = {"scope": {"name": _SCOPE}, "logRecords": [_log_record(each) for each in records]}
    return orjson.dumps({"resourceLogs": [{"scopeLogs": [scope]}]})


def count_rejected(body: bytes) -> int:
    """Return how many records a collector did not take, by the *body* of its 200; it may be 0.

    A body that says nothing of it, or cannot be read, is that of a collector that took them all.
    """
    with suppress(ValueError, TypeError, KeyError, OverflowError):  # orjson's is a ValueError
        return max(0, int(orjson.loads(body)["partialSuccess"]["rejectedLogRecords"]))
    return 0


def find_wait_seconds(retry_after: str | None, *, now: datetime) -> float | None:
    """Return for how long a ``Retry-After`` asks, or None for what is none (RFC 9110 §10.2.3).

    It is 0 for a date that has passed, and may be very long.
    """
    if retry_after is None:
        return None
    if re.fullmatch(r"[0-9]{1,9}", retry_after):
        return float(retry_after)
    with suppress(ValueError):
        date = datetime.strptime(retry_after, _DATE).replace(tzinfo=UTC)
        return max(0.0, (date - now) / timedelta(seconds=1))
    return None


def encode_fields(text: str) -> bytes:
    """Return the header fields in *text*, one ``Name: value`` a line, as a request carries them.

    Raises ``ValueError``, without a word of them, for a line that is none, and for a field that
    belongs to the connection or says what the body is.
    """
    fields = b""
    for line in filter(None, map(str.strip, text.splitlines())):
        name, colon, value = line.partition(":")
        value = value.strip()
        is_good = _FIELD_NAME.fullmatch(name) and colon and value
        if not is_good or not value.isascii() or not value.isprintable():
            raise ValueError("not a header field")
        if name.lower() in _OUR_FIELDS:
            raise ValueError("a header field that is not to be set")
        fields += f"{name}: {value}\r\n".encode("ascii")
    return fields


def _log_record(record: AccessRecord) -> dict[str, Any]:
    return {
        "timeUnixNano": str(record_milliseconds(record) * 1_000_000),
        "attributes": [
            {"key": "http.response.status_code", "value": {"intValue": str(record.status)}},
            {"key": "client.address", "value": {"stringValue": str(record.ip)}},
        ],
    }
