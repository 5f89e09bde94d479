"""Portions leave when they are due."""

from __future__ import annotations

import asyncio
import time

import pytest

from gateway.core.shaping import CELL_BYTES, CellShaper, Coalescer
from gateway.pipeline.shape import shape
from tests.fakes.waiting import until


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
    left = []

    async def pieces():
        yield b"one"
        yield b"two"
        await until(lambda: len(left) == 1)
        yield b"three"
        await until(lambda: len(left) == 2)
        yield b"four"

    async for portion in shape(pieces(), Coalescer(0.05)):
        left.append(portion)  # noqa: PERF401  # the pieces look at it meanwhile
    assert left == [b"onetwo", b"three", b"four"]


async def test_cells_leave_while_the_model_is_silent():
    """Cells go out at their rate before, between and after the pieces, until all is said."""
    left, began = [], time.monotonic()

    async def pieces():
        await until(lambda: len(left) > 2)
        yield b"data: x\n\n" * 300
        silent = len(left) + 3 * 300 * len(b"data: x\n\n") // CELL_BYTES
        await until(lambda: len(left) > silent)
        yield b"data: y\n\n"

    async for portion in shape(pieces(), CellShaper(0.02)):
        left.append(portion)  # noqa: PERF401  # the pieces look at it meanwhile
    assert time.monotonic() - began >= 0.02 * (len(left) - 1)
    assert {len(portion) for portion in left} == {CELL_BYTES}
    assert b"".join(left).count(b"data: x") == 300
    assert b"data: y" in b"".join(left[-2:])


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
    await asyncio.wait_for(closed.wait(), 30)


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
