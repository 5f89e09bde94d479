"""The lines of a backup: what was written is read, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.audit import AuditHead
from gateway.core.backup import BackupHead, BackupReader, BackupRow, BackupWriter
from gateway.core.errors import MalformedRequest

HEAD = BackupHead("0001", datetime(2026, 11, 23, tzinfo=UTC), 5, 7, AuditHead(3, "a" * 64))
ROWS = [BackupRow("clients", {"client_id": "c-1", "grants": [["a", "b"]]}), BackupRow("keys", {})]


def write(rows: list[BackupRow]) -> list[bytes]:
    """Return the lines of a backup."""
    writer = BackupWriter()
    return [writer.head(HEAD), *(writer.row(row) for row in rows), writer.finish()]


def read(lines: list[bytes]) -> tuple[BackupHead, list[BackupRow]]:
    """Return what the lines of a backup say."""
    reader = BackupReader()
    rows = [row for row in map(reader.feed, lines) if row is not None]
    return reader.finish(), rows


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab"), inner, max_size=3),
    max_leaves=5,
)


@given(st.lists(st.dictionaries(st.text("abc"), values, max_size=3), max_size=4))
def test_what_is_written_is_read(rows: list[dict[str, Any]]) -> None:
    """Head and rows come back as they were."""
    written = [BackupRow("t", row) for row in rows]
    assert read(write(written)) == (HEAD, written)


@given(st.data())
def test_one_changed_byte_is_noticed(data: st.DataObject) -> None:
    """Wherever a byte is another one, the backup is refused."""
    whole = b"".join(write(ROWS))
    place = data.draw(st.integers(0, len(whole) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != whole[place]))
    changed = whole[:place] + bytes([byte]) + whole[place + 1 :]
    with pytest.raises(MalformedRequest):
        read(changed.splitlines(keepends=True))


@given(st.integers(0, len(b"".join(write(ROWS))) - 1))
def test_backup_that_was_cut_short(length: int) -> None:
    """Without its whole end it is refused."""
    with pytest.raises(MalformedRequest):
        read(b"".join(write(ROWS))[:length].splitlines(keepends=True))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda lines: [*lines, lines[1]],
        lambda lines: [*lines, *lines],
        lambda lines: [lines[0], lines[2], lines[1], lines[3]],
        lambda lines: lines[1:],
        lambda lines: [b"[" * 200_000 + b"\n", *lines],
        lambda lines: [lines[0].replace(b"backup/1", b"backup/2"), *lines[1:]],
    ],
)
def test_lines_in_another_place(spoil: Callable[[list[bytes]], list[bytes]]) -> None:
    """A line too many, too few, moved, or of another format is refused."""
    with pytest.raises(MalformedRequest):
        read(spoil(write(ROWS)))
