"""Portions of a stream."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.shaping import CELL_BYTES, CellShaper, Coalescer, Shaping, parse_shaping
from gateway.core.sse import EventParser

EVENT = b'data: {"x":1}\n\n'


def test_without_shaping_nothing_is_in_the_way():
    """A client without shaping has no shaper at all."""
    assert Shaping().new_shaper() is None
    assert isinstance(Shaping(coalesce_ms=40).new_shaper(), Coalescer)
    assert isinstance(Shaping(cell_ms=40).new_shaper(), CellShaper)


@pytest.mark.parametrize(
    "values",
    [
        {"coalesce_ms": -1},
        {"coalesce_ms": 1001},
        {"cell_ms": 1001},
        {"coalesce_ms": 1, "cell_ms": 1},
    ],
)
def test_impossible_shapings_are_refused(values):
    """Values out of range, and both forms at once, are refused."""
    with pytest.raises(ValueError, match=r"shaping|either"):
        Shaping(**values)


@pytest.mark.parametrize("text", ["none", "coalesce:40", "cells:1000"])
def test_written_form_reads_back(text):
    """What an operator writes is what is stored and shown."""
    assert str(parse_shaping(text)) == text


@pytest.mark.parametrize("text", ["", "cells", "cells:", "cells:0", "cells:1001", "x:5", "none:5"])
def test_other_forms_are_refused(text):
    """Anything else is refused rather than taken for no shaping."""
    with pytest.raises(ValueError, match="shaping"):
        parse_shaping(text)


def test_coalescing_collects_until_the_portion_is_due():
    """What comes within the time leaves together, counted from the first piece."""
    shaper = Coalescer(0.05)
    assert shaper.take(now=0.0) == b""
    shaper.feed(b"one", now=1.0)
    shaper.feed(b"two", now=1.04)
    assert shaper.take(now=1.049) == b""
    assert shaper.held_bytes == 6
    assert shaper.take(now=1.05) == b"onetwo"
    assert shaper.held_bytes == 0
    assert shaper.due_at is None
    shaper.feed(b"three", now=2.0)
    assert shaper.finish() == b"three"


def test_cells_are_of_one_size_at_one_rate():
    """Full, half full or empty: each cell has the same size and the same distance."""
    shaper = CellShaper(0.1)
    cells = [shaper.take(now=10.0)]
    assert shaper.due_at == pytest.approx(10.1)
    assert shaper.take(now=10.05) == b""
    shaper.feed(EVENT * 100, now=10.05)
    assert not shaper.is_mid_event
    cells.append(shaper.take(now=10.11))
    assert shaper.is_mid_event
    cells += [shaper.take(now=10.21), shaper.take(now=20.0)]
    assert not shaper.is_mid_event
    assert {len(cell) for cell in cells} == {CELL_BYTES}
    assert shaper.finish() == b""


@given(st.lists(st.integers(0, 60), max_size=20), st.integers(2, 64))
def test_cells_hold_every_event_and_nothing_else(counts, cell_bytes):
    """Whatever the sizes, a reader gets exactly the events that were fed, in order."""
    shaper, wire, now, fed = CellShaper(0.1, cell_bytes=cell_bytes), b"", 1.0, []
    for count in counts:
        data = b"d" * count
        fed.append(data)
        shaper.feed(b"data: " + data + b"\n\n", now=now)
        now += 0.1
        wire += shaper.take(now=now)
    while shaper.held_bytes:
        now += 0.1
        wire += shaper.take(now=now)
    parser = EventParser()
    events = parser.feed(wire)
    assert [event.data for event in events] == fed
    assert len(wire) % cell_bytes == 0
