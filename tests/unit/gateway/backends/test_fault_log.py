"""What an operator learns of a bug."""

from __future__ import annotations

from gateway.backends.fault_log import report_fault


def test_fault_is_named_without_its_text(caplog):
    """Kind and place are logged; the text, which may hold a prompt, is not."""
    try:
        raise ValueError("canary prompt")
    except ValueError as fault:
        report_fault(fault)
    assert "ValueError at test_fault_log.py:" in caplog.text
    assert "canary" not in caplog.text


def test_fault_without_a_place(caplog):
    """An exception that was never raised is still reported."""
    report_fault(KeyError("canary"))
    assert "KeyError at unknown place" in caplog.text
