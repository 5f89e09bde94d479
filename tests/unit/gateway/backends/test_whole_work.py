"""Work on another thread that is never left half done."""

from __future__ import annotations

import asyncio
import threading

import pytest

from gateway.backends.whole_work import do_whole


async def test_who_is_cancelled_waits_for_the_end() -> None:
    """When the caller goes on, nothing of the work is still to come."""
    loop, begun, may_end, done = asyncio.get_running_loop(), asyncio.Event(), threading.Event(), []

    def work() -> None:
        loop.call_soon_threadsafe(begun.set)
        assert may_end.wait(30)
        done.append(True)

    doing = asyncio.create_task(do_whole(work))
    await begun.wait()
    doing.cancel()
    await asyncio.sleep(0)
    assert not doing.done()
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await doing
    assert done == [True]


async def test_what_it_raises_is_raised() -> None:
    """A failure is the caller's."""

    def work() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await do_whole(work)
