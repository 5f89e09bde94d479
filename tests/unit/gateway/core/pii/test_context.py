"""Which contexts hold where."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.pii.context import Announcements
from gateway.core.pii.detector import Context, Detector
from gateway.core.pii.machine import Machine

FILLED = Context(("tel", "电话"), gap=4)
FREE = Context(("id",), gap=6, filler=None)
ENDLESS = Context(("no",), gap=60, filler=None, stops=frozenset())
FAR = Context(("head",), gap=900, filler=None, stops=frozenset())
MACHINE = Machine([Detector(label="X", pattern="x", after=(FILLED, FREE, ENDLESS, FAR))])


def masks(text: str, size: int = 100) -> list[int]:
    """Return the contexts that hold at each offset of *text*, fed in pieces of *size*."""
    announced = Announcements(MACHINE.keywords, MACHINE.reaches)
    result: list[int] = []
    for start in range(0, len(text), size):
        read = text[: start + size]
        announced.watch(text[start : start + size], start)
        while len(result) < len(read):
            mask, until = announced.holding(len(result), read)
            result += [mask] * (until - len(result))
    return result


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("tel: x", "000111"),
        ("tel x", "00011"),
        ("tel....x", "00011111"[:3] + "10000"),
        ("tel     x", "000111110"),
        ("telx", "0000"),
        ("电话x", "001"),
        ("电话：是x", "00111"),
        ("电话在x", "0010"),
    ],
)
def test_only_filler_stands_between_word_and_value(text: str, holds: str) -> None:
    """The first character that is none is the last where a value may begin."""
    assert [mask & 1 for mask in masks(text)] == [int(hold) for hold in holds]


@pytest.mark.parametrize(
    ("text", "holds"),
    [("id of a x", "001111111"), ("id。x", "0010"), ("id of it is x", "0011111110000")],
)
def test_anything_may_stand_between_but_the_end_of_a_sentence(text: str, holds: str) -> None:
    """A context without filler reaches as far as its gap."""
    assert [mask >> 1 & 1 for mask in masks(text)] == [int(hold) for hold in holds]


def test_a_context_may_go_beyond_sentences() -> None:
    """Without stops only the gap counts."""
    assert masks("no。x")[-1] == 4


def test_a_context_may_go_beyond_the_text_that_is_kept() -> None:
    """Where anything may stand between, the gap alone counts, whatever was dropped meanwhile."""
    announced = Announcements(MACHINE.keywords, MACHINE.reaches)
    text = "head "
    announced.watch(text, 0)
    assert announced.holding(4, text) == (8, 5)
    announced.shift(600)
    text = "x" * 400
    assert announced.holding(304, text) == (8, 305)
    assert announced.holding(305, text) == (0, 400)


def test_a_word_that_goes_on_announces_nothing() -> None:
    """However far its context would reach."""
    assert not any(mask & 8 for mask in masks("heads up"))


@given(st.text("telid电话no:。 x\u200bhead"), st.integers(1, 9))
def test_pieces_make_no_difference(text: str, size: int) -> None:
    """What holds at an offset depends on the text before it alone."""
    assert masks(text, size) == masks(text)


def test_offsets_follow_the_text() -> None:
    """When old text is dropped, what it announced still reaches as far."""
    announced = Announcements(MACHINE.keywords, MACHINE.reaches)
    announced.watch("tel id no  ", 0)
    assert announced.words
    assert announced.holding(3, "tel id no  ")[0] == 1
    announced.shift(5)
    assert announced.holding(4, "d no  x")[0] == 6
    announced.shift(4)
    assert announced.holding(0, "  x")[0] == 4
    announced.shift(60)
    assert not announced.words
