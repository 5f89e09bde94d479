"""Access records as OTLP logs; the classes of opentelemetry-proto are the oracle."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv6Address

import orjson
import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)

from gateway.core.access_log import AccessRecord
from gateway.core.otlp import count_rejected, encode_fields, encode_logs, find_wait_seconds

NOW = datetime(2026, 11, 23, 10, 30, 15, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
RECORDS = st.lists(
    st.builds(
        AccessRecord,
        st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
        st.integers(100, 599),
        st.ip_addresses(),
    ),
    max_size=5,
)


@given(RECORDS)
def test_collectors_read_three_fields(records: list[AccessRecord]) -> None:
    """The parser of the protocol finds time, status and address of each record, nothing besides."""
    request = json_format.Parse(encode_logs(records), ExportLogsServiceRequest())
    (scope,) = request.resource_logs[0].scope_logs
    for record, log in zip(records, scope.log_records, strict=True):
        assert [field.name for field, _ in log.ListFields()] == ["time_unix_nano", "attributes"]
        milliseconds = (record.at - EPOCH) // timedelta(milliseconds=1)
        assert log.time_unix_nano == milliseconds * 1_000_000
        found = {each.key: each.value for each in log.attributes}
        assert found.keys() == {"http.response.status_code", "client.address"}
        assert found["http.response.status_code"].int_value == record.status
        assert found["client.address"].string_value == str(record.ip)


@pytest.mark.parametrize("ip", [IPv4Address("192.0.2.1"), IPv6Address("2001:db8::1")])
def test_request_is_what_the_document_says(ip: IPv4Address | IPv6Address) -> None:
    """Nothing but the records and the constant name of their scope is in a request."""
    text = encode_logs([AccessRecord(NOW + timedelta(microseconds=500_999), 200, ip)])
    assert orjson.loads(text) == {
        "resourceLogs": [
            {
                "scopeLogs": [
                    {
                        "scope": {"name": "sealgate.access"},
                        "logRecords": [
                            {
                                "timeUnixNano": "1795429815500000000",
                                "attributes": [
                                    {
                                        "key": "http.response.status_code",
                                        "value": {"intValue": "200"},
                                    },
                                    {"key": "client.address", "value": {"stringValue": str(ip)}},
                                ],
                            }
                        ],
                    }
                ]
            }
        ]
    }


@given(st.integers(0, 2**63 - 1), st.text(max_size=9))
def test_partial_success_is_counted(rejected: int, message: str) -> None:
    """What a collector says it did not take is read as the protocol writes it."""
    answer = ExportLogsServiceResponse()
    answer.partial_success.rejected_log_records = rejected
    answer.partial_success.error_message = message
    assert count_rejected(json_format.MessageToJson(answer).encode()) == rejected


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"\xff",
        b"[]",
        b"null",
        b'{"partialSuccess":null}',
        b'{"partialSuccess":{"rejectedLogRecords":[]}}',
        b'{"partialSuccess":{"rejectedLogRecords":"-3"}}',
        b'{"partialSuccess":{"rejectedLogRecords":"many"}}',
        b'{"partialSuccess":{"rejectedLogRecords":1e999}}',
    ],
)
def test_other_answers_reject_nothing(body: bytes) -> None:
    """An answer that does not say that something was rejected is one of success."""
    assert count_rejected(body) == 0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("0", 0),
        ("120", 120),
        ("Mon, 23 Nov 2026 10:31:15 GMT", 60),
        ("Mon, 23 Nov 2026 10:29:15 GMT", 0),
        ("Mon, 23 Nov 2026 10:31:15 -0000", None),
        ("-5", None),
        ("1.5", None),
        ("9" * 400, None),
        ("soon", None),
        ("", None),
        ("\u0663", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str | None, seconds: float | None) -> None:
    """Both forms are read; what is neither is as if it were not there."""
    assert find_wait_seconds(value, now=NOW) == seconds


@given(st.text(max_size=40))
def test_any_retry_after_is_read_or_left(value: str) -> None:
    """Whatever a server writes there, it is no error, and no time in the past."""
    assert (find_wait_seconds(value, now=NOW) or 0) >= 0


def test_fields_are_written_as_they_stand_in_a_head() -> None:
    """Space around a line and its value, and empty lines, are nothing; the rest is kept."""
    text = "\nAuthorization: Bearer a.b-c:d\r\n  X-Scope-OrgID:\t7 \n\n"
    assert encode_fields(text) == b"Authorization: Bearer a.b-c:d\r\nX-Scope-OrgID: 7\r\n"
    assert encode_fields("") == b""


@pytest.mark.parametrize(
    "line",
    [
        "hush",
        "hush:",
        ": hush",
        "a b: hush",
        "name : hush",
        "name: hu\x00sh",
        "name: hüsh",
        "Host: hush",
        "content-length: 5",
        "Transfer-Encoding: chunked",
        "CONTENT-TYPE: hush",
    ],
)
def test_bad_fields_are_an_error_that_does_not_show_them(line: str) -> None:
    """What is no field, or not the operator's to set, is refused without a word of it."""
    with pytest.raises(ValueError, match="header field") as caught:
        encode_fields(f"good: 1\n{line}\n")
    assert "hush" not in str(caught.value)
