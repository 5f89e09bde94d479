"""Portions leave when they are due."""

from __future__ import annotations

import asyncio
import time

import pytest

from gateway.core.shaping import CELL_BYTES, CellShaper, Coalescer
from gateway.pipeline.shape import shape


async def arriving(*pieces):
    """Yield pieces; a number is a pause in seconds, an exception is raised."""
    for piece in pieces:
        if isinstance(piece, Exception):
            raise piece
        if isinstance(piece, bytes):
            yield piece
        else:
            await asyncio.sleep(piece)


async def test_coalesced_pieces_leave_together():
    """Pieces close to each other become one portion; a later one its own; the rest at the end."""
    pieces = arriving(b"one", b"two", 0.12, b"three", 0.12, b"four")
    assert [p async for p in shape(pieces, Coalescer(0.05))] == [b"onetwo", b"three", b"four"]


async def test_cells_leave_while_the_model_is_silent():
    """Cells go out at their rate before, between and after the pieces, until all is said."""
    pieces = arriving(0.1, b"data: x\n\n" * 300, 0.1)
    began = time.monotonic()
    portions = [(time.monotonic() - began, p) async for p in shape(pieces, CellShaper(0.02))]
    assert {len(portion) for _, portion in portions} == {CELL_BYTES}
    assert len(portions) >= 8
    assert portions[0][0] < 0.05
    assert b"".join(p for _, p in portions).count(b"data: x") == 300


async def test_what_is_left_at_the_end_leaves_in_cells():
    """A long rest does not go out as one telling burst."""
    portions = [p async for p in shape(arriving(b"data: x\n\n" * 500), CellShaper(0.001))]
    assert {len(portion) for portion in portions} == {CELL_BYTES}


async def test_error_is_raised_at_once():
    """A failure ends the stream; what was held is dropped."""
    portions = shape(arriving(b"held", ValueError("broken")), Coalescer(10))
    with pytest.raises(ValueError, match="broken"):
        await anext(portions)


async def test_leaving_early_stops_the_reading():
    """A stream that is given up does not read on in the background."""
    closed = asyncio.Event()

    async def endless():
        try:
            yield b"data: x\n\n"
            await asyncio.Event().wait()
        finally:
            closed.set()

    portions = shape(endless(), CellShaper(0.01))
    await anext(portions)
    await portions.aclose()
    await asyncio.wait_for(closed.wait(), 1)


async def test_slow_shape_slows_the_reading():
    """While much is held nothing more is read, so memory does not fill."""
    read = 0

    async def plenty():
        nonlocal read
        for _ in range(1000):
            read += 1
            yield b"data: " + b"x" * 1000 + b"\n\n"

    portions = shape(plenty(), CellShaper(0.01))
    for _ in range(5):
        await anext(portions)
    assert read < 100
    await portions.aclose()
