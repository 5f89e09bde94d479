"""The stretch of text that a scrubber still needs."""

import pytest

from gateway.core.errors import AnswerBlocked
from gateway.core.pii.actions import PLACEHOLDERS, Actions, Block
from gateway.core.pii.detector import Detector
from gateway.core.pii.matches import Finding, Match
from gateway.core.pii.state import Accept
from gateway.core.pii.window import Window

RULE = Detector(label="X", name="x-1", pattern="a")


def match(begin: int, end: int) -> Match:
    """Return a value from *begin* to *end*."""
    return Match(begin, end, Accept(RULE, None, 0))


def test_text_leaves_as_it_was_written() -> None:
    """What is read otherwise than written goes out as written."""
    window = Window(PLACEHOLDERS)
    window.add("a1b", {1: "&#49;"})
    window.add("2", {0: "%32"})
    assert window.release(2) == "a&#49;"
    assert window.release(2) == ""
    assert window.release(4) == "b%32"


def test_a_value_goes_with_all_that_was_written_for_it() -> None:
    """The whole range is replaced, and told apart by its place in the input."""
    window = Window(PLACEHOLDERS, before="zz", explains=True)
    window.add("a12b3", {1: "&#49;", 4: "%33"})
    window.replace(match(3, 5), "12")
    assert window.release(6) == "a[X]b"
    window.drop(7)
    assert window.release(7) == ""
    assert window.take_findings() == [Finding("X", "x-1", 1, 11)]
    assert window.take_findings() == []


def test_old_text_is_cut_off() -> None:
    """Offsets become smaller, places in the input stay."""
    window = Window(PLACEHOLDERS, explains=True)
    window.add("abcdef", {0: "&a;", 5: "&f;"})
    window.release(3)
    window.cut(3)
    assert (window.text, window.sent) == ("def", 0)
    window.replace(match(1, 3), "ef")
    assert window.release(3) == "d[X]"
    assert window.take_findings() == [Finding("X", "x-1", 6, 10)]


def test_a_text_can_be_taken_as_gone() -> None:
    """Of what a stream goes on from nothing comes out; places begin behind it."""
    window = Window(PLACEHOLDERS, explains=True)
    window.add("abc", None)
    window.replace(match(0, 1), "a")
    window.forget_all()
    window.add("de", None)
    window.drop(4)
    window.replace(match(4, 5), "e")
    assert window.release(5) == "[X]"
    assert window.take_findings() == [Finding("X", "x-1", 1, 2)]


def test_nothing_is_explained_unless_asked() -> None:
    """A stream keeps no record of what it replaced."""
    window = Window(PLACEHOLDERS)
    window.add("ab", None)
    window.replace(match(0, 1), "a")
    assert window.take_findings() == []


def test_a_blocked_value_ends_it() -> None:
    """The action's error goes through."""
    window = Window(Actions(default=Block()))
    window.add("ab", None)
    with pytest.raises(AnswerBlocked):
        window.replace(match(0, 1), "a")
