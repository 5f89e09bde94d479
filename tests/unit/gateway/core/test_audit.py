"""The audit trail's chain."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from gateway.core.audit import (
    EMPTY_TRAIL,
    AuditEntry,
    AuditHead,
    AuditRow,
    Outcome,
    TrailVerifier,
    append_row,
)
from gateway.core.errors import AuditBroken

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
ENTRY = AuditEntry(NOW, "local", "client.create", "c-1", Outcome.DONE, "r-1", "ü 中")


def trail(length: int) -> list[AuditRow]:
    rows: list[AuditRow] = []
    for number in range(length):
        head = rows[-1].head if rows else EMPTY_TRAIL
        rows.append(append_row(head, replace(ENTRY, target=f"c-{number}")))
    return rows


def verify(rows: list[AuditRow]) -> AuditHead:
    verifier = TrailVerifier()
    for row in rows:
        verifier.feed(row)
    return verifier.head


def test_whole_trail_verifies():
    """An untouched trail is accepted, and ends at its last row."""
    rows = trail(5)
    assert verify(rows) == rows[-1].head
    assert verify([]) == EMPTY_TRAIL


def test_digest_is_pinned():
    """The format of the chain is fixed: trails that were written stay verifiable."""
    expected = "d8a2dce8cfd2a219359e52fffcf13db93d4bc7886695c8bd1d43888075b2f120"
    assert append_row(EMPTY_TRAIL, ENTRY).digest == expected


@pytest.mark.parametrize("name", [field.name for field in fields(AuditEntry)])
def test_every_altered_field_shows(name):
    """A change of any field of a row is found, and names that row."""
    rows = trail(4)
    other = {"at": NOW + timedelta(microseconds=1), "outcome": Outcome.REFUSED}.get(name, "x")
    rows[2] = replace(rows[2], entry=replace(rows[2].entry, **{name: other}))
    with pytest.raises(AuditBroken, match="Row 3"):
        verify(rows)


def test_fields_do_not_run_into_each_other():
    """Moving characters from one field to the next changes the digest."""
    moved = replace(ENTRY, action="client.", target="createc-1")
    assert append_row(EMPTY_TRAIL, moved).digest != append_row(EMPTY_TRAIL, ENTRY).digest


def test_missing_and_reordered_rows_show():
    """A row left out, repeated or moved is named by the number at which it should be."""
    rows = trail(4)
    with pytest.raises(AuditBroken, match="Row 2 "):
        verify([rows[0], rows[2]])
    with pytest.raises(AuditBroken, match="Row 2 "):
        verify([rows[0], rows[0]])
    with pytest.raises(AuditBroken, match="Row 2 "):
        verify([rows[0], rows[2], rows[1]])


def test_renumbered_row_shows():
    """A row of another place does not fit, even under the right number."""
    rows = trail(4)
    with pytest.raises(AuditBroken, match="Row 2 was altered"):
        verify([rows[0], replace(rows[2], number=2)])


def test_cut_end_shows_against_a_noted_head():
    """A trail whose end was cut off does not reach the head that was noted."""
    rows = trail(4)
    verifier = TrailVerifier()
    for row in rows[:3]:
        verifier.feed(row)
    with pytest.raises(AuditBroken, match="Row 4"):
        verifier.finish(rows[-1].head)
    verifier.feed(rows[3])
    verifier.finish(rows[-1].head)
    with pytest.raises(AuditBroken):
        verifier.finish(AuditHead(4, "0" * 64))


def test_verification_goes_on_from_a_noted_head():
    """From a noted head on, only the rows after it are needed."""
    rows = trail(4)
    verifier = TrailVerifier(rows[1].head)
    verifier.feed(rows[2])
    assert verifier.head == rows[2].head


def test_time_zone_of_the_reader_does_not_matter():
    """The same moment in another zone has the same digest."""
    east = replace(ENTRY, at=NOW.astimezone(timezone(timedelta(hours=8))))
    assert append_row(EMPTY_TRAIL, east).digest == append_row(EMPTY_TRAIL, ENTRY).digest


def test_noted_head_must_come():
    """A trail that was made anew from some row on does not hold the head that was noted."""
    old, new = trail(4), trail(2)
    new += [append_row(new[-1].head, replace(ENTRY, detail="another"))]
    verifier = TrailVerifier(noted=old[2].head)
    for row in new[:2]:
        verifier.feed(row)
    with pytest.raises(AuditBroken, match="Row 3 is not the one that was noted"):
        verifier.feed(new[2])
    for row in old[2:]:
        verifier.feed(row)
    assert verifier.finish() == old[-1].head


def test_trail_that_ends_before_the_noted_head_was_cut():
    """A trail whose end was taken off, counter and all, shows against a noted head."""
    rows = trail(4)
    verifier = TrailVerifier(noted=rows[3].head)
    for row in rows[:2]:
        verifier.feed(row)
    with pytest.raises(AuditBroken, match="Row 3 is missing"):
        verifier.finish(rows[1].head)
