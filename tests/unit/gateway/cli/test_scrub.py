"""``sealgate scrub``."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable

import pytest

TEXT = "call 13800138000, or &#97;nn@example.com\n"


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Callable[[str | bytes], None]:
    """Return a function that puts a text on standard input."""

    def give(text: str | bytes) -> None:
        data = text if isinstance(text, bytes) else text.encode()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data), "utf-8"))

    return give


@pytest.mark.parametrize("options", [(), ("--stream", "1"), ("--stream", "7")])
def test_text_is_scrubbed_however_it_is_cut(sealgate, given, options: tuple[str, ...]) -> None:
    """Standard input comes out scrubbed; the pieces make no difference."""
    given(TEXT)
    assert sealgate("scrub", *options) == (0, "call [PHONE], or [EMAIL]\n", "")


def test_lines_keep_their_order_and_members(sealgate, given) -> None:
    """Of each line only the text changes; empty lines are skipped."""
    items = [{"id": "b", "text": TEXT}, {"id": 1, "text": "", "more": [1]}]
    given("\n".join(map(json.dumps, items)) + "\n\n")
    outcome = sealgate("scrub", "--jsonl", "--stream", "3")
    assert [json.loads(line) for line in outcome.out.splitlines()] == [
        {"id": "b", "text": "call [PHONE], or [EMAIL]\n"},
        {"id": 1, "text": "", "more": [1]},
    ]


def test_findings_are_explained(sealgate, given) -> None:
    """Type, rule and place of each value are said, the value is not."""
    given(TEXT)
    outcome = sealgate("scrub", "--explain")
    assert outcome.out == "call [PHONE], or [EMAIL]\n"
    assert outcome.err == "5-16\tPHONE\tPHONE\n21-40\tEMAIL\tEMAIL\n"
    given(json.dumps({"id": 1, "text": TEXT}))
    (line,) = sealgate("scrub", "--jsonl", "--explain").out.splitlines()
    found = json.loads(line)["found"]
    assert [(row["type"], TEXT[row["start"] : row["end"]]) for row in found] == [
        ("PHONE", "13800138000"),
        ("EMAIL", "&#97;nn@example.com"),
    ]


@pytest.mark.parametrize("line", ["{", "[]", '{"id": 1}', '{"text": 5}', "[" * 9000])
def test_a_line_that_is_not_understood_ends_it(sealgate, given, line: str) -> None:
    """It is refused by its number; nothing of it is shown."""
    given('{"text": "a"}\n' + line)
    outcome = sealgate("scrub", "--jsonl")
    assert (outcome.code, outcome.out) == (1, '{"text": "a"}\n')
    assert outcome.err.startswith("sealgate: line 2 ")


def test_any_bytes_are_text(sealgate, given) -> None:
    """Bytes that are no UTF-8 and halves of surrogate pairs do not stop it."""
    given(b"\xff 13800138000 \n")
    assert sealgate("scrub").out == "\ufffd [PHONE] \n"
    given(r'{"text": "\ud800"}')
    assert sealgate("scrub", "--jsonl").out == '{"text": "\\ud800"}\n'
