"""What all detectors together come to."""

import pytest

from gateway.core.pii.detector import FILLER, Context, Detector
from gateway.core.pii.tables import Tables

FIRST = Context(("tel",), gap=5)
SECOND = Context(("id",), gap=6, filler=None)
TABLES = Tables(
    [
        Detector(label="A", pattern="ab", after=(FIRST, SECOND), unless=(SECOND,)),
        Detector(label="B", pattern="b", not_after="[x]", not_before="c", after=(SECOND,)),
    ]
)


def test_contexts_are_shared() -> None:
    """A context of several detectors has one bit, in the order of their appearance."""
    assert TABLES.contexts == (FIRST, SECOND)
    assert [(start.after, start.unless) for start in TABLES.starts] == [(3, 2), (2, 0)]


def test_reaches_say_what_may_stand_between() -> None:
    """Filler goes on, a stop does not; filler with spaces takes invisible signs as well."""
    filled, free = TABLES.reaches
    assert (filled.gap, filled.stops, filled.takes_invisible) == (5, False, True)
    assert (free.gap, free.stops, free.takes_invisible) == (6, True, False)
    members = TABLES.kinds.members
    assert all(filled.number in members[TABLES.kinds[char]] for char in FILLER)
    assert free.number in members[TABLES.kinds["。"]]


def test_kinds_that_bar_the_same_are_one() -> None:
    """What may not stand before a value tells characters apart, and nothing else does."""
    bars, kinds = TABLES.bars, TABLES.kinds
    assert bars[kinds["x"]] != bars[kinds["a"]] == bars[kinds["b"]] == bars[kinds["?"]]


def test_positions_know_their_detector() -> None:
    """Those of words belong to nobody; a boundary belongs to the value that it ends."""
    owners = TABLES.automaton.owner
    assert [owners[min(start.first)] for start in TABLES.starts] == [0, 1]
    assert {owners[position] for position in TABLES.boundaries[1]} == {1}
    assert owners[TABLES.keywords.first] == -1
    assert len(TABLES.set_of) == len(owners)


def test_a_bad_declaration_is_refused() -> None:
    """A fault in a pattern shows when the tables are made."""
    with pytest.raises(ValueError, match="offset"):
        Tables([Detector(label="X", pattern="a)")])
