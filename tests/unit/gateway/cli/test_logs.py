"""``sealgate logs``."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from gateway.backends.access_log_files import AccessLogFiles
from gateway.core.access_log import AccessRecord
from tests.fakes.commands import Commands
from tests.fakes.control import LOOPBACK


def write(directory: Path, *moments: str) -> None:
    """Write one record for each moment."""
    files = AccessLogFiles(directory / "access")
    for moment in moments:
        files.write(AccessRecord(datetime.fromisoformat(moment), 200, LOOPBACK))
    files.close()


def test_record_holds_three_things(commands: Commands, tmp_path: Path) -> None:
    """A line of the log is time, status and address."""
    write(tmp_path, "2026-11-01T00:00:00Z")
    (line,) = commands.json("logs", "read", "2026-11-01")
    assert set(line) == {"time", "status", "ip"}
    assert (line["status"], line["ip"]) == (200, "127.0.0.1")


def test_day_is_read_in_parts(commands: Commands, tmp_path: Path) -> None:
    """A part leaves out the first records and has at most so many."""
    write(tmp_path, *(f"2026-11-01T00:00:0{second}Z" for second in range(3)))
    whole = commands.json("logs", "read", "2026-11-01")
    part = commands.json("logs", "read", "2026-11-01", "--skip", "1", "--limit", "1")
    assert part == whole[1:2]


def test_purge_keeps_the_retention(commands: Commands, tmp_path: Path) -> None:
    """Without a number the days beyond the retention go, with zero all but today's."""
    write(tmp_path, "2026-11-01T00:00:00Z", "2026-11-22T00:00:00Z", "2026-11-23T00:00:00Z")
    assert len(commands.json("logs", "days")) == 3
    assert commands.json("logs", "purge") == [{"day": "2026-11-01"}]
    assert commands.json("logs", "purge", "--older-than-days", "0") == [{"day": "2026-11-22"}]
    assert commands.json("logs", "days") == [{"day": "2026-11-23"}]


def test_no_day_is_said(commands: Commands) -> None:
    """Where there is no log the command says none."""
    assert commands.run("logs", "days") == "none\n"


def test_missing_day_is_refused(commands: Commands) -> None:
    """A day without a log is exit code 1 and one line."""
    assert commands.refusal("logs", "read", "2026-11-01").startswith("not_found: ")


@pytest.mark.parametrize(
    "words",
    [
        ("read", "yesterday"),
        ("read", "../2026-11-01"),
        ("read", "2026-11-01", "--skip", "-1"),
        ("read", "2026-11-01", "--limit", "0"),
        ("purge", "--older-than-days", "-1"),
    ],
)
def test_wrong_use_is_2(commands: Commands, words: tuple[str, ...]) -> None:
    """What is no day and what is no number of days is exit code 2."""
    commands.run("logs", *words, code=2)
