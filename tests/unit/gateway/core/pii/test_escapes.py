"""Characters that are written as something else."""

import pytest

from gateway.core.pii.escapes import (
    ESCAPE,
    UNCLEAR,
    Unit,
    read_backslash,
    read_entity,
    read_percent,
)


@pytest.mark.parametrize(
    ("text", "unit"),
    [("&#49;", ("1", 5)), ("&middot;", ("·", 8)), ("&bogus;", None), ("&am", UNCLEAR)],
)
def test_entities_are_read(text: str, unit: Unit) -> None:
    """Named and numbered ones; what is none is text."""
    assert read_entity(text, 0) == unit


@pytest.mark.parametrize(
    ("text", "unit"),
    [("%31", ("1", 3)), ("%E6%BC%A2", ("漢", 9)), ("%0A", None), ("%3", UNCLEAR)],
)
def test_percent_encoding_is_read(text: str, unit: Unit) -> None:
    """One character in UTF-8, if it can be seen."""
    assert read_percent(text, 0) == unit


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("\\u0031", ("1", 6)),
        ("\\\\n", ("\n", 3)),
        ("\\x1b", (ESCAPE, 4)),
        ("\\033", (ESCAPE, 4)),
        ("\\e", (ESCAPE, 2)),
        ("\\u0001", None),
        ("\\u00", UNCLEAR),
    ],
)
def test_backslash_escapes_are_read(text: str, unit: Unit) -> None:
    """Those of JSON and of programming languages; of the controls only what can begin a code."""
    assert read_backslash(text, 0) == unit
