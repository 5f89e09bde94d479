"""What an operator learns of a bug."""

from __future__ import annotations

from gateway.backends.fault_log import report_fault
from gateway.core.access_log import parse_records
from gateway.core.events import Event


def test_fault_is_named_without_its_text(caplog):
    """Kind and place are logged; the text, which may hold a prompt, is not."""
    try:
        raise ValueError("canary prompt")
    except ValueError as fault:
        report_fault(fault)
    (record,) = caplog.records
    assert (record.msg, record.kind) == (Event.FAULT, "ValueError")
    assert record.place.startswith("test_fault_log.py:")
    assert "canary" not in caplog.text


def test_fault_without_a_place(caplog):
    """An exception that was never raised is still reported."""
    report_fault(KeyError("canary"))
    (record,) = caplog.records
    assert (record.kind, record.place) == ("KeyError", "unknown place")


def test_place_is_in_our_code(caplog):
    """Of a fault deep in a library the last step of our own is named."""
    try:
        list(parse_records(object()))
    except TypeError as fault:
        report_fault(fault)
    assert caplog.records[0].place.startswith("access_log.py:")
