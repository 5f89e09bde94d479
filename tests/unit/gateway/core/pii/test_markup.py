"""Formatting that is passed over."""

import pytest

from gateway.core.pii.escapes import UNCLEAR, Unit
from gateway.core.pii.markup import PASSED_OVER, read_emphasis, read_tag, read_terminal_code


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("<b>1", (PASSED_OVER, 3)),
        ("</td>", ("\n", 5)),
        ('<span class="c">', (PASSED_OVER, 16)),
        ("<b title=Ann>", None),
        ("<!-- Ann -->", None),
        ("<stro", UNCLEAR),
    ],
)
def test_tags_that_only_format_are_passed_over(text: str, unit: Unit) -> None:
    """A tag in which a value might stand is text; one that is not whole yet is waited for."""
    assert read_tag(text, 0) == unit


@pytest.mark.parametrize(
    ("text", "unit"), [("**1", (PASSED_OVER, 2)), ("*1", None), ("~~~", None), ("*", UNCLEAR)]
)
def test_two_signs_are_emphasis(text: str, unit: Unit) -> None:
    """One sign is a multiplication, three are a mask."""
    assert read_emphasis(text, 0, "1") == unit


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("\x1b[31m1", (PASSED_OVER, 5)),
        ("\x1b[m", (PASSED_OVER, 3)),
        ("\x1b[1;31", UNCLEAR),
        ("\x1b", UNCLEAR),
        ("\x1bX", None),
        ("\x1b[é", None),
        ("\x1b[" + "1" * 40, None),
    ],
)
def test_the_codes_of_a_terminal_are_passed_over(text: str, unit: Unit) -> None:
    """A code ends with a letter, and is short."""
    assert read_terminal_code(text, 0, 1) == unit
