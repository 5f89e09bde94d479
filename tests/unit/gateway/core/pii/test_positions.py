"""The automaton of positions against Python's own regular expressions."""

import itertools
import re

import pytest

from gateway.core.pii.detector import Detector
from gateway.core.pii.positions import Automaton


def accepts(automaton: Automaton, first: frozenset[int], text: str) -> bool:
    """Run the automaton over *text*."""
    alive: set[int] = set()
    moves: set[int] = set(first)
    for char in text:
        alive = {position for position in moves if char in automaton.options[position]}
        moves = set().union(*(automaton.follow[position] for position in alive))
    return not alive.isdisjoint(automaton.accepting)


@pytest.mark.parametrize(
    "pattern",
    ["ab", "a|b", "a?b", "a{2,3}b?", "(a|bb){0,2}a", "(a?b?){2}a", "((a|b)?a){1,2}", "a(|b)"],
)
def test_the_automaton_accepts_what_the_pattern_says(pattern: str) -> None:
    """Every text up to six characters is judged as by the standard library."""
    automaton = Automaton()
    first = automaton.add(Detector(label="X", pattern=pattern))
    for length in range(1, 7):
        for chars in itertools.product("ab", repeat=length):
            text = "".join(chars)
            assert accepts(automaton, first, text) == bool(re.fullmatch(pattern, text))


def test_lead_and_tail_may_be_of_any_length() -> None:
    """A lead is needed before the pattern, a tail may follow it."""
    automaton = Automaton()
    first = automaton.add(
        Detector(label="X", pattern="@b", lead="[ac]", lead_start="a", lead_limit=3, tail="-?b")
    )
    assert accepts(automaton, first, "aaaaaaaaaaa@b-bbb-b")
    assert accepts(automaton, first, "acc@b")
    assert not accepts(automaton, first, "ca@b")
    assert not accepts(automaton, first, "@b")
    assert not accepts(automaton, first, "a@b-")


def test_an_empty_boundary_is_refused() -> None:
    """What matches nothing at all would follow every value."""
    owner = Detector(label="X", pattern="a", not_before="b?")
    with pytest.raises(ValueError, match="boundary"):
        Automaton().add_boundary(owner)


@pytest.mark.parametrize("pattern", ["", "a?", "[]"])
def test_empty_patterns_are_refused(pattern: str) -> None:
    """A pattern that matches nothing at all would match everywhere."""
    with pytest.raises(ValueError, match="empty"):
        Automaton().add(Detector(label="X", pattern=pattern))


@pytest.mark.parametrize(
    ("text", "expected"),
    [("abab", True), ("ab ab", True), ("abab a", True), ("aba b", True), ("a bab", False)],
)
def test_a_short_group_ends_the_value(text: str, *, expected: bool) -> None:
    """A separator needs a group of the given length before it; the last group may be shorter."""
    automaton = Automaton()
    pattern = "[ab]( ?[ab]){3,4}"
    first = automaton.add(Detector(label="X", pattern=pattern, shortest_group=2))
    assert accepts(automaton, first, text) is expected
    assert not accepts(automaton, first, "ab  ab")
