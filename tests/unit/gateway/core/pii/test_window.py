"""The stretch of text that a scrubber still needs."""

import pytest

from gateway.core.errors import AnswerBlocked
from gateway.core.pii.actions import PLACEHOLDERS, Actions, Block
from gateway.core.pii.detector import CONTEXT_LENGTH, Detector
from gateway.core.pii.matches import Finding
from gateway.core.pii.window import Window

RULE = Detector(label="X", name="x-1", pattern="a")


def window_of(
    *, detector: Detector = RULE, before: str = "", actions: Actions = PLACEHOLDERS
) -> Window:
    """Return a window that keeps what it replaced."""
    return Window((detector,), actions, before=before, explains=True)


def test_text_leaves_as_it_was_written() -> None:
    """What is read otherwise than written goes out as written."""
    window = window_of()
    window.add("a1b", {1: "&#49;"})
    window.add("2", {0: "%32"})
    assert window.release(2) == "a&#49;"
    assert window.release(2) == ""
    assert window.release(4) == "b%32"


def test_a_value_goes_with_all_that_was_written_for_it() -> None:
    """The whole range is replaced, and told apart by its place in the input."""
    window = window_of(before="zz")
    window.add("a12b3", {1: "&#49;", 4: "%33"})
    window.replace(0, 3, 5)
    assert window.release(6) == "a[X]b"
    window.drop(7)
    assert window.release(7) == ""
    assert window.take_findings() == [Finding("X", "x-1", 1, 11)]
    assert window.take_findings() == []


def test_old_text_is_cut_off() -> None:
    """Less is kept; offsets and places in the input stay."""
    window = window_of()
    window.add("abcdef", {0: "&a;", 5: "&f;"})
    window.release(3)
    window.cut(3)
    window.cut(-5)
    assert (window.text, window.end) == ("def", 6)
    window.replace(0, 4, 6)
    assert window.release(6) == "d[X]"
    assert window.take_findings() == [Finding("X", "x-1", 6, 10)]


def test_a_text_can_be_taken_as_gone() -> None:
    """Of what a stream goes on from nothing comes out; places begin behind it."""
    window = window_of()
    window.add("abc", None)
    window.replace(0, 0, 1)
    window.forget_all()
    window.add("de", None)
    window.drop(4)
    window.replace(0, 4, 5)
    assert window.release(5) == "[X]"
    assert window.take_findings() == [Finding("X", "x-1", 1, 2)]


def test_nothing_is_explained_unless_asked() -> None:
    """A stream keeps no record of what it replaced."""
    window = Window((RULE,), PLACEHOLDERS)
    window.add("ab", None)
    window.replace(0, 0, 1)
    assert window.take_findings() == []


def test_a_check_sees_the_value_and_what_stands_before() -> None:
    """Both folded; the value with its digits spelled if the pattern asks for that."""
    seen: list[tuple[str, str]] = []

    def check(value: str, before: str) -> bool:
        seen.append((value, before))
        return value == "12"

    window = window_of(detector=Detector(label="X", pattern=r"\N{2}", check=check), before="Ａ")
    window.add("x" * CONTEXT_LENGTH + "１二三", None)
    assert window.agrees(0, CONTEXT_LENGTH + 1, CONTEXT_LENGTH + 3)
    window.cut(2)
    assert not window.agrees(0, CONTEXT_LENGTH, CONTEXT_LENGTH + 2)
    assert seen == [("12", "x" * CONTEXT_LENGTH), ("x1", "x" * (CONTEXT_LENGTH - 2))]
    assert window_of().agrees(0, 0, 0)


def test_a_blocked_value_ends_it() -> None:
    """The action's error goes through."""
    window = window_of(actions=Actions(default=Block()))
    window.add("ab", None)
    with pytest.raises(AnswerBlocked):
        window.replace(0, 0, 1)
