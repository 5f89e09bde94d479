"""What commands print: JSON as it is, tables that can be copied whole and command nothing."""

from __future__ import annotations

import json

import pytest

from gateway.cli.output import show


@pytest.mark.parametrize("value", [{"a": 1, "b": ["x"]}, [], [{"a": None}, {"a": "y"}]])
def test_json_is_the_value(value: object, capsys: pytest.CaptureFixture[str]) -> None:
    """With JSON one row is an object and several are a list, even when there is none."""
    show(value, as_json=True)  # type: ignore[arg-type]
    assert json.loads(capsys.readouterr().out) == value


def test_table_has_a_line_for_each_row(capsys: pytest.CaptureFixture[str]) -> None:
    """Lists are joined, nothing is a dash, and markup in a value is only text."""
    rows = [{"a": ["x", "y"], "b": None}, {"a": "[red]z", "b": ""}]
    show(rows, as_json=False)
    head, first, second = (line.split() for line in capsys.readouterr().out.splitlines())
    assert (head, first, second) == (["a", "b"], ["x,", "y", "-"], ["[red]z", "-"])


def test_long_values_are_folded_not_cut(capsys: pytest.CaptureFixture[str]) -> None:
    """A value wider than the screen can still be copied whole."""
    show({"secret": "0123456789" * 30}, as_json=False)
    printed = "".join(capsys.readouterr().out.split())
    assert printed == "secret" + "0123456789" * 30


def test_no_value_commands_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """What somebody named a thing cannot move the cursor, clear lines or turn the text around."""
    show({"target": "jti:\x1b[1A\x1b[2K\u202e\x9b2J\rx"}, as_json=False)
    printed = capsys.readouterr().out
    assert not {"\x1b", "\u202e", "\x9b", "\r"} & set(printed)
    assert "\\x1b[1A\\x1b[2K\\u202e\\x9b2J\\rx" in printed


def test_no_value_in_json_commands_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """What JSON allows as it is and a terminal obeys is escaped; the value stays the same."""
    row = {"target": "\x1b[1A\x9b2J\x7f\u202e\u2028\u00e4"}
    show(row, as_json=True)
    printed = capsys.readouterr().out
    assert json.loads(printed) == row
    assert not {"\x1b", "\x9b", "\x7f", "\u202e", "\u2028"} & set(printed)
    assert "\u00e4" in printed


def test_nothing_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """An empty list is the word none, not an empty table."""
    show([], as_json=False)
    assert capsys.readouterr().out == "none\n"
