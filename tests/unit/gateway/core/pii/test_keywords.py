"""Words of contexts, found one character at a time."""

import pytest

from gateway.core.pii.detector import Context, Detector
from gateway.core.pii.keywords import Keywords
from gateway.core.pii.positions import Automaton
from gateway.core.pii.states import States
from gateway.core.pii.tables import Tables

WORDS = (Context(("tel", "telephone")), Context(("手机", "机号")), Context(("id no",)))
STATES = States(Tables([Detector(label="X", pattern="x", after=WORDS)]))


def found(text: str) -> list[tuple[int, int]]:
    """Return the contexts found in *text* with the offsets of their ends."""
    state = STATES.words
    hits: list[tuple[int, int]] = []
    for at, char in enumerate(text):
        kind = STATES.tables.kinds[char]
        if kind >= 0:
            state = state[kind]
            hits += [(place, at + 1) for place in state.ends]
    return hits


@pytest.mark.parametrize(
    ("text", "hits"),
    [
        ("tel", [(0, 3)]),
        ("a TEL.", [(0, 5)]),
        ("ｔｅｌ", [(0, 3)]),
        ("telephone", [(0, 3), (0, 9)]),
        ("hotel", []),
        ("手机号", [(1, 2), (1, 3)]),
        ("x手机", [(1, 3)]),
        ("my ID no", [(2, 8)]),
        ("手\u200b机", [(1, 3)]),
        ("", []),
    ],
)
def test_words_are_found_wherever_they_stand(text: str, hits: list[tuple[int, int]]) -> None:
    """Width, case and invisible signs do not matter; a Latin word begins where a word begins."""
    assert found(text) == hits


def test_words_share_their_beginnings() -> None:
    """A word that begins like another adds only the rest."""
    automaton = Automaton()
    keywords = Keywords([Context(("tel", "telephone")), Context(("tel",))], automaton)
    assert len(automaton.options) == 2 + len("telephone")
    assert sorted(keywords.ends.values(), key=len) == [{0}, {0, 1}]
