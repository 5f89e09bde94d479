"""Which contexts hold where."""

from string import ascii_letters

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.core.pii.contexts import Announcements
from gateway.core.pii.detector import LONGEST_REACH, Context, Detector
from gateway.core.pii.folding import READ
from gateway.core.pii.states import States
from gateway.core.pii.tables import Tables

FILLED = Context(("tel", "电话"), gap=4)
FREE = Context(("id",), gap=6, filler=None)
ENDLESS = Context(("no",), gap=60, filler=None, stops=frozenset())
STATES = States(
    Tables(
        [
            Detector(label="X", pattern="x", after=(FILLED, FREE, ENDLESS)),
            Detector(
                label="Y",
                pattern="y",
                after=(Context(("head",), LONGEST_REACH, None, ENDLESS.stops),),
            ),
        ]
    )
)


def masks(text: str) -> list[int]:
    """Return the contexts that hold at each offset of *text*."""
    announced = Announcements(STATES.tables, STATES.words)
    result: list[int] = []
    for at, char in enumerate(text):
        kind = STATES.tables.kinds[char]
        result.append(announced.holding(kind, at))
        announced.take(kind, at)
    return result


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tel: x", "000111"),
        ("tel x", "00011"),
        ("tel....x", "00011111"[:3] + "10000"),
        ("tel     x", "000111110"),
        ("telx", "0000"),
        ("tel\u200b: x", "0001111"),
        ("电话x", "001"),
        ("电话：是x", "00111"),
        ("电话在x", "0010"),
        ("tel tel    x", "000110011111"),
    ],
)
def test_only_filler_stands_between_word_and_value(text: str, expected: str) -> None:
    """The first character that is none is the last where a value may begin."""
    assert [mask & 1 for mask in masks(text)] == [int(hold) for hold in expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("id of a x", "001111111"),
        ("id。x", "0010"),
        ("id；x", "0010"),
        ("id;x", "0011"),
        ("id of it is x", "0011111110000"),
    ],
)
def test_anything_may_stand_between_but_the_end_of_a_sentence(text: str, expected: str) -> None:
    """A context without filler reaches as far as its gap; its stops count as they are written."""
    assert [mask >> 1 & 1 for mask in masks(text)] == [int(hold) for hold in expected]


def test_a_context_may_go_beyond_sentences() -> None:
    """Without stops only the gap counts, which may be long."""
    assert masks("no。x")[-1] == 4
    assert masks("head\n" + "a。1;" * (LONGEST_REACH // 4))[-1] == 8
    assert masks("head\n" + "a。1;" * (LONGEST_REACH // 4) + "..")[-1] == 0


def holds(context: Context, text: str, at: int) -> bool:
    """Say in the plainest way whether *context* holds at offset *at*."""
    for word in context.words:
        for end in range(max(len(word), at - context.gap), at + 1):
            whole, between = text[end - len(word) : end], text[end:at]
            read = [READ.get(char, char) for char in between]
            around = text[end - len(word) - 1 : end - len(word)], text[end : end + 1]
            touches = [side and side in ascii_letters for side in around]
            is_word = whole == word and not (word[0] in ascii_letters and any(touches))
            # A sign counts as it is read, a stop also as it is written.
            filled = context.filler is not None and set(read) <= context.filler
            free = context.filler is None and not {*between, *read} & context.stops
            if is_word and (filled or free):
                return True
    return False


@given(st.text("telid电话no:。 x；;"))
@example("电话；:")
def test_the_plain_definition_is_met(text: str) -> None:
    """Whatever the text, each context holds where its declaration says so."""
    for at, mask in enumerate(masks(text)):
        for place, context in enumerate((FILLED, FREE, ENDLESS)):
            assert mask >> place & 1 == holds(context, text, at)
