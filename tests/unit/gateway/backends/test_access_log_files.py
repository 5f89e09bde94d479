"""The access log: three members a line, one file a day, no link ever followed."""

from __future__ import annotations

import json
import os
from datetime import UTC, date, datetime, timedelta, timezone
from ipaddress import ip_address
from pathlib import Path

import pytest

from gateway.backends.access_log_files import AccessLogFiles, encode_record, parse_record
from gateway.core.access_log import AccessRecord
from gateway.core.errors import NotFound, StoreUnavailable

NOW = datetime(2026, 11, 23, 23, 59, 59, 999_900, tzinfo=UTC)
DAY = date(2026, 11, 23)


def record(at: datetime = NOW, ip: str = "192.0.2.1") -> AccessRecord:
    """Return a record of a call that went well."""
    return AccessRecord(at, 200, ip_address(ip))


@pytest.mark.parametrize(
    ("ip", "shown"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
    ],
)
def test_line_holds_exactly_three_members(ip: str, shown: str) -> None:
    """Time in milliseconds with Z, status, address; a mapped address is written as IPv4."""
    line = encode_record(record(ip=ip))
    expected = {"time": "2026-11-23T23:59:59.999Z", "status": 200, "ip": shown}
    assert json.loads(line) == expected
    assert line.endswith(b"}\n")
    assert parse_record(line).ip == ip_address(shown)


def test_files_are_private_and_roll_over_at_midnight_utc(tmp_path: Path) -> None:
    """Each UTC day has a file of mode 0600 in a directory of mode 0700."""
    files = AccessLogFiles(tmp_path / "log")
    files.write(record())
    files.write(record(NOW + timedelta(seconds=1)))
    files.write(record(NOW.astimezone(timezone(timedelta(hours=8)))))
    files.close()
    assert files.days() == [DAY, date(2026, 11, 24)]
    assert (tmp_path / "log").stat().st_mode & 0o777 == 0o700
    for path in (tmp_path / "log").iterdir():
        assert path.stat().st_mode & 0o777 == 0o600
    assert len(files.read(DAY, skip=0, limit=9)) == 2
    assert len(files.read(DAY, skip=1, limit=9)) == 1


def test_unfinished_line_is_left_out(tmp_path: Path) -> None:
    """A line that another process is still writing is not read as damaged."""
    files = AccessLogFiles(tmp_path / "log")
    files.write(record())
    with (tmp_path / "log" / "access-2026-11-23.log").open("ab") as file:
        file.write(b'{"time"')
    assert len(files.read(DAY, skip=0, limit=9)) == 1
    files.close()


def test_links_are_refused(tmp_path: Path) -> None:
    """A link in place of the file or of the directory is neither written nor read."""
    files = AccessLogFiles(tmp_path / "log")
    target = tmp_path / "target"
    target.write_text("")
    (tmp_path / "log" / "access-2026-11-23.log").symlink_to(target)
    with pytest.raises(StoreUnavailable):
        files.write(record())
    with pytest.raises(StoreUnavailable):
        files.read(DAY, skip=0, limit=1)
    assert target.read_text() == ""
    (tmp_path / "link").symlink_to(tmp_path / "log")
    with pytest.raises(StoreUnavailable):
        AccessLogFiles(tmp_path / "link")


def test_pipe_is_refused(tmp_path: Path) -> None:
    """A pipe in place of the file does not hang the gateway."""
    files = AccessLogFiles(tmp_path / "log")
    os.mkfifo(tmp_path / "log" / "access-2026-11-23.log", 0o600)
    reader = os.open(tmp_path / "log" / "access-2026-11-23.log", os.O_RDONLY | os.O_NONBLOCK)
    with pytest.raises(StoreUnavailable):
        files.write(record())
    os.close(reader)


def test_open_directory_is_refused(tmp_path: Path) -> None:
    """A directory that others may enter, or no directory, is not used."""
    (tmp_path / "log").mkdir(mode=0o755)
    with pytest.raises(StoreUnavailable):
        AccessLogFiles(tmp_path / "log")
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailable):
        AccessLogFiles(tmp_path / "file")


def test_purge_removes_exactly_what_is_older(tmp_path: Path) -> None:
    """Days before the given one go, by their name; other files in the directory stay."""
    files = AccessLogFiles(tmp_path / "log")
    for days in range(4):
        files.write(record(NOW - timedelta(days=days)))
    (tmp_path / "log" / "access-2020-01-01.log.gz").write_text("")
    assert files.purge(before=date(2026, 11, 22)) == [date(2026, 11, 20), date(2026, 11, 21)]
    assert files.days() == [date(2026, 11, 22), DAY]
    assert (tmp_path / "log" / "access-2020-01-01.log.gz").exists()
    files.write(record(NOW - timedelta(days=3)))
    assert len(files.read(date(2026, 11, 20), skip=0, limit=9)) == 1
    files.close()


def test_missing_day_is_not_found(tmp_path: Path) -> None:
    """A day without a log is not found."""
    with pytest.raises(NotFound):
        AccessLogFiles(tmp_path / "log").read(DAY, skip=0, limit=1)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[]",
        b"{}",
        b"x",
        b'{"time":"x","status":200,"ip":"::1"}',
        b"1",
        b'{"time":"2026-11-23T00:00:00.000Z","status":"200","ip":"::1"}',
        b'{"time":"2026-11-23T00:00:00.000Z","status":200,"ip":"::1","path":"/"}',
    ],
)
def test_foreign_lines_are_damaged(line: bytes) -> None:
    """A line with another member, another type or no JSON is refused."""
    with pytest.raises(StoreUnavailable):
        parse_record(line)
