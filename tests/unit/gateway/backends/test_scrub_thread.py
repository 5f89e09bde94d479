"""The thread on which a gateway with a model scrubs."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from gateway.backends.scrub_thread import ScrubThread
from gateway.core.errors import AnswerBlocked, ScrubFailed


@pytest.fixture
def thread() -> Iterator[ScrubThread]:
    """Give a thread with a short patience."""
    thread = ScrubThread(seconds=0.2)
    yield thread
    thread.close()


async def test_work_is_done_in_one_other_thread(thread: ScrubThread) -> None:
    """All of it runs one after the other, away from the event loop."""
    names = await asyncio.gather(*[thread.run(threading.get_ident) for _ in range(5)])
    assert len(set(names)) == 1
    assert threading.get_ident() not in names


async def test_what_work_raises_comes_back(thread: ScrubThread) -> None:
    """A refusal inside the scrubber reaches the answer as it is."""

    def block() -> None:
        raise AnswerBlocked

    with pytest.raises(AnswerBlocked):
        await thread.run(block)


async def test_late_work_fails_and_the_loop_goes_on(thread: ScrubThread) -> None:
    """An answer whose model hangs ends in time, and so does one that waits behind it."""
    hang = threading.Event()
    try:
        late = asyncio.create_task(thread.run(hang.wait))
        behind = asyncio.create_task(thread.run(int))
        for task in (late, behind):
            with pytest.raises(ScrubFailed):
                await task
    finally:
        hang.set()
    assert await thread.run(int) == 0
