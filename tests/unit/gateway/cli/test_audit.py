"""``sealgate audit``."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from gateway.core.audit_lines import MAX_LINE_BYTES
from tests.fakes.commands import Commands


@pytest.fixture
def exported(commands: Commands, tmp_path: Path) -> Path:
    """Make some acts and return the exported trail of them."""
    commands.create_client()
    commands.create_client()
    path = tmp_path / "trail.jsonl"
    commands.run("audit", "export", "--output", str(path))
    return path


def test_list_shows_who_did_what(commands: Commands) -> None:
    """The local operator's acts are listed, the listing itself last."""
    client_id = commands.create_client()["client_id"]
    rows = commands.json("audit", "list")
    made = next(row for row in rows if row["target"] == client_id)
    assert (made["actor"], made["action"], made["outcome"]) == ("local", "client.create", "done")
    assert rows[-1]["action"] == "audit.read"
    later = commands.json("audit", "list", "--after", str(rows[-1]["number"]), "--limit", "9")
    assert [row["number"] for row in later] == [rows[-1]["number"] + 1]


def test_verify_prints_the_head_to_note(commands: Commands) -> None:
    """The head that one check prints is what a later one starts from."""
    head = commands.json("audit", "verify")["head"]
    commands.create_client()
    assert commands.json("audit", "verify", "--head", head)["rows"] > int(head.split(":")[0])
    number, _, digest = head.partition(":")
    wrong = f"{number}:{'0' * len(digest)}"
    refusal = commands.refusal("audit", "verify", "--head", wrong)
    assert refusal == f"audit_broken: Row {number} is not the one that was noted."
    assert commands.refusal("audit", "verify", "--head", "x").startswith("malformed_request: ")


def test_exported_file_verifies_without_the_store(
    commands: Commands, exported: Path, tmp_path: Path
) -> None:
    """A file is checked by itself, against a noted head too, and nothing is read but the file."""
    lines = exported.read_bytes().splitlines()
    (tmp_path / "store.db").unlink()
    result = commands.json("audit", "verify", "--file", str(exported))
    assert result["rows"] == len(lines)
    assert result["head"] == f"{len(lines)}:{json.loads(lines[-1])['digest']}"
    assert (
        commands.json("audit", "verify", "--file", str(exported), "--head", result["head"])
        == result
    )
    assert not (tmp_path / "store.db").exists()


def test_export_is_private_and_replaces_nothing(commands: Commands, exported: Path) -> None:
    """The file is for its owner alone; one that exists is not written over."""
    assert exported.stat().st_mode & 0o777 == 0o600
    before = exported.read_bytes()
    commands.run("audit", "export", "--output", str(exported), code=1)
    assert exported.read_bytes() == before


def test_export_to_standard_output(commands: Commands) -> None:
    """Without a file the lines go to standard output."""
    lines = commands.run("audit", "export").splitlines()
    assert [json.loads(line)["number"] for line in lines] == list(range(1, len(lines) + 1))


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda lines: lines[1:], "Row 1 is missing or out of its place."),
        (lambda lines: [lines[1], lines[0], *lines[2:]], "Row 1 is missing or out of its place."),
        (lambda lines: [lines[0], *lines[2:]], "Row 2 is missing or out of its place."),
        (lambda lines: [lines[0], lines[1].replace(b"done", b"refused")], "Row 2 was altered."),
        (lambda lines: [lines[0], lines[1][:-1]], "Row 2 was altered."),
        (lambda lines: [lines[0], lines[1][:-9]], "A line is not a row of an audit trail."),
        (lambda lines: [b"x" * (MAX_LINE_BYTES + 9)], "A line is not a row of an audit trail."),
        (lambda lines: [b"\n"], "A line is not a row of an audit trail."),
    ],
)
def test_edited_file_is_refused(
    commands: Commands, exported: Path, edit: object, said: str
) -> None:
    """Lines that were taken out, moved, altered or cut are exit code 1 with the first wrong row."""
    lines = exported.read_bytes().splitlines(keepends=True)
    exported.write_bytes(b"".join(edit(lines)))  # type: ignore[operator]
    assert commands.refusal("audit", "verify", "--file", str(exported)) == f"audit_broken: {said}"


def test_cut_file_shows_against_the_head(commands: Commands, exported: Path) -> None:
    """A file that lost its last lines is whole by itself; the noted head says what is missing."""
    head = commands.json("audit", "verify", "--file", str(exported))["head"]
    lines = exported.read_bytes().splitlines(keepends=True)
    exported.write_bytes(b"".join(lines[:-1]))
    assert commands.run("audit", "verify", "--file", str(exported))
    said = commands.refusal("audit", "verify", "--file", str(exported), "--head", head)
    assert said == f"audit_broken: Row {len(lines)} is missing: the end was cut off."


def test_empty_file_is_an_empty_trail(commands: Commands, tmp_path: Path) -> None:
    """A file without a line has no row, which only a noted head can contradict."""
    path = tmp_path / "empty.jsonl"
    path.touch()
    assert commands.json("audit", "verify", "--file", str(path))["rows"] == 0


def test_broken_store_is_exit_code_1(commands: Commands, tmp_path: Path) -> None:
    """An altered row in the store is named."""
    commands.create_client()
    connection = sqlite3.connect(tmp_path / "store.db")
    connection.execute("UPDATE audit SET actor = 'x' WHERE number = 2")
    connection.commit()
    connection.close()
    assert commands.refusal("audit", "verify") == "audit_broken: Row 2 was altered."


@pytest.mark.parametrize("words", [("list", "--after", "-1"), ("list", "--limit", "0"), ("x",)])
def test_wrong_use_is_2(commands: Commands, words: tuple[str, ...]) -> None:
    """What is no number is exit code 2."""
    commands.run("audit", *words, code=2)
