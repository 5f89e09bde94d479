"""``sealgate logs``."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path

import pytest

from gateway.core.access_log import AccessRecord
from tests.fakes.commands import Commands
from tests.fakes.control import LOOPBACK, open_log, write_log


def write(commands: Commands, directory: Path, *moments: str) -> None:
    """Write one record for each moment."""
    records = [AccessRecord(datetime.fromisoformat(at), 200, LOOPBACK) for at in moments]
    asyncio.run(write_log(open_log(directory / "access", commands._wrap), *records))


def test_record_holds_three_things(commands: Commands, tmp_path: Path) -> None:
    """A line of the log is time, status and address."""
    write(commands, tmp_path, "2026-11-01T00:00:00Z")
    (line,) = commands.json("logs", "show")
    assert line == {"time": "2026-11-01T00:00:00.000Z", "status": 200, "ip": "127.0.0.1"}


def test_span_is_shown_alone(commands: Commands, tmp_path: Path) -> None:
    """Moments are in UTC, a day begins at midnight; at most so many records are shown."""
    write(commands, tmp_path, *(f"2026-11-0{day}T12:00:00Z" for day in range(1, 6)))
    whole = commands.json("logs", "show")
    span = ("--from", "2026-11-02", "--to", "2026-11-04T12:00:00")
    assert commands.json("logs", "show", *span) == whole[1:3]
    assert commands.json("logs", "show", *span, "--limit", "1") == whole[1:2]


def test_purge_keeps_the_retention(commands: Commands, tmp_path: Path) -> None:
    """Without a number the days beyond the retention go, with zero all but today's."""
    days = ["2026-11-01", "2026-11-22", "2026-11-23"]
    write(commands, tmp_path, *(f"{day}T00:00:00Z" for day in days))
    assert len(commands.json("logs", "days")) == 3
    assert commands.json("logs", "purge") == [{"day": "2026-11-01"}]
    assert commands.json("logs", "purge", "--older-than-days", "0") == [{"day": "2026-11-22"}]
    assert commands.json("logs", "days") == [{"day": "2026-11-23"}]


def test_check_says_what_is_wrong(commands: Commands, tmp_path: Path) -> None:
    """A log as it was written is exit code 0; a changed byte is 1 and the segment is named."""
    write(commands, tmp_path, "2026-11-23T00:00:00Z")
    assert {row["state"] for row in commands.json("logs", "verify")} == {"whole"}
    (path,) = (tmp_path / "access").glob("*.seg")
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    assert "damaged" in commands.run("logs", "verify", code=1)


def test_nothing_is_said(commands: Commands) -> None:
    """Where there is no log the commands say none."""
    for command in ("days", "show", "verify", "purge"):
        assert commands.run("logs", command) == "none\n"


@pytest.mark.parametrize(
    "words",
    [
        ("show", "--from", "yesterday"),
        ("show", "--from", "../2026-11-01"),
        ("show", "--limit", "0"),
        ("purge", "--older-than-days", "-1"),
    ],
)
def test_wrong_use_is_2(commands: Commands, words: tuple[str, ...]) -> None:
    """What is no moment and what is no number of days is exit code 2."""
    commands.run("logs", *words, code=2)
