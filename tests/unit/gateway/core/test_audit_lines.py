"""The audit trail as JSON Lines, and heads as words."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.audit import EMPTY_TRAIL, AuditEntry, AuditHead, AuditRow, Outcome, append_row
from gateway.core.audit_lines import (
    MAX_LINE_BYTES,
    encode_head,
    encode_line,
    parse_head,
    parse_line,
)
from gateway.core.errors import AuditBroken, MalformedRequest

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
ENTRY = AuditEntry(NOW, "local", "client.create", "c-1", Outcome.DONE, "r-1", "ü 中\n")
ROW = append_row(EMPTY_TRAIL, ENTRY)
LINE = encode_line(ROW)
MOMENTS = st.datetimes(timezones=st.just(UTC))


@given(
    st.builds(
        AuditEntry,
        at=MOMENTS,
        actor=st.text(),
        action=st.text(),
        target=st.text(),
        outcome=st.sampled_from(Outcome),
        request_id=st.text(),
        detail=st.text(),
    ),
    st.integers(min_value=0, max_value=2**53),
)
def test_line_is_one_row_and_back(entry: AuditEntry, number: int) -> None:
    """Every row survives its line, which is one line of ASCII."""
    row = append_row(AuditHead(number, "0" * 64), entry)
    line = encode_line(row)
    assert parse_line(line) == row
    assert line.count(b"\n") == 1
    assert line.isascii()


def test_line_of_a_row_is_short() -> None:
    """The bound for reading is far above a row with every column full."""
    entry = AuditEntry(
        NOW, "\U0001f600" * 128, "a" * 64, "中" * 256, Outcome.DONE, "r" * 64, "中" * 999
    )
    assert len(encode_line(append_row(EMPTY_TRAIL, entry))) < MAX_LINE_BYTES


@given(st.integers(min_value=0, max_value=len(LINE) - 1), st.integers(min_value=0, max_value=7))
def test_flipped_bit_is_no_row_or_another(place: int, bit: int) -> None:
    """One flipped bit is refused, or gives a row whose digest does not fit."""
    damaged = bytearray(LINE)
    damaged[place] ^= 1 << bit
    try:
        row = parse_line(bytes(damaged))
    except AuditBroken:
        return
    assert append_row(EMPTY_TRAIL, row.entry) != row


def line(**changes: object) -> bytes:
    members = {**json.loads(LINE), **changes}
    return json.dumps({k: v for k, v in members.items() if v is not None}).encode()


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\n",
        b"[]",
        b"1",
        b'"x"',
        b"{}",
        b"\xff",
        b"[" * 60_000,
        b"{" + b'"a":{' * 5_000,
        line(number=True),
        line(number="1"),
        line(number=None),
        line(digest=7),
        line(actor=7),
        line(detail=None),
        line(at=7),
        line(at="yesterday"),
        line(at="2026-11-23T10:00:00"),
        line(outcome="maybe"),
    ],
)
def test_what_is_no_row_is_broken(text: bytes) -> None:
    """Hostile lines are one error, whatever is wrong with them."""
    with pytest.raises(AuditBroken, match="A line is not a row"):
        parse_line(text)


@pytest.mark.parametrize(
    "text",
    [
        LINE[:-1],
        LINE + b"\n",
        b" " + LINE,
        LINE.replace(b"{", b'{"number":1,', 1),
        LINE.replace(b"{", b'{"extra":1,', 1),
        LINE.replace(b"+00:00", b"Z"),
        line(at="2026-11-23T11:00:00.000000+01:00"),
    ],
)
def test_another_form_of_a_row_is_altered(text: bytes) -> None:
    """A line that means the row and is not written as it was is refused by number."""
    with pytest.raises(AuditBroken, match=r"Row 1 was altered\."):
        parse_line(text)


def test_head_is_one_word_and_back() -> None:
    """A head can be written down and read again."""
    assert parse_head(encode_head(ROW.head)) == ROW.head
    assert encode_head(ROW.head) == f"1:{ROW.digest}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        ":",
        f"0:{'0' * 64}",
        f"-1:{'0' * 64}",
        f"1:{'0' * 63}",
        f"1:{'G' * 64}",
        f"1:{'A' * 64}",
        f" 1:{'0' * 64}",
        f"1:{'0' * 64}\n",
        f"{'9' * 19}:{'0' * 64}",
        f"١:{'0' * 64}",
    ],
)
def test_what_is_no_head_is_refused(text: str) -> None:
    """A head that cannot be is an error of the caller, not of the trail."""
    with pytest.raises(MalformedRequest):
        parse_head(text)


def test_row_is_as_it_was() -> None:
    """The example comes back as it went in."""
    assert parse_line(LINE) == AuditRow(1, ENTRY, ROW.digest)
