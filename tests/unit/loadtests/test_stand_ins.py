"""Stages that do nothing, for the benchmark alone."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from loadtests.stand_ins import STAND_INS, WholeEvents

STREAM = b"data: one\n\ndata: two\n\ndata: [DONE]\n\n"


@given(st.lists(st.integers(0, len(STREAM)), max_size=8))
def test_only_whole_events_leave(cuts: list[int]) -> None:
    """However the bytes are cut, each piece ends with an event and nothing is lost."""
    waiting, out = WholeEvents(), b""
    bounds = [0, *sorted(cuts), len(STREAM)]
    for start, end in pairwise(bounds):
        piece = waiting.feed(STREAM[start:end])
        assert not piece or piece.endswith(b"\n\n")
        out += piece
    assert out + waiting.finish() == STREAM


def test_every_stand_in_replaces_something() -> None:
    """A stage that was renamed would otherwise be measured as if it cost nothing."""
    for where, name, stand_in in STAND_INS.values():
        replaced = getattr(where, name)
        assert callable(replaced)
        assert replaced is not stand_in
