"""Background tasks: a failing one goes on, and says nothing but the class of its error."""

from __future__ import annotations

import asyncio

import pytest

from gateway.control.background import BackgroundTasks
from gateway.core.events import Event


async def test_work_of_another_process_waits_for_its_turn() -> None:
    """While another process does it nothing is done here; when that is gone, it is."""
    is_ours, asked, done = False, asyncio.Event(), asyncio.Event()

    def ask() -> bool:
        asked.set()
        return is_ours

    async def work() -> None:
        done.set()

    background = BackgroundTasks()
    background.every(0.001, work, is_ours=ask)
    await asked.wait()
    await asyncio.sleep(0.01)
    assert not done.is_set()
    is_ours = True
    await asyncio.wait_for(done.wait(), 30)
    await background.close()


async def test_failure_is_logged_by_class_and_tried_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The text of an error stays out of the log, and the task has its next turn.

    However often it fails, each class of error has one line a minute.
    """
    turns, done = 0, asyncio.Event()

    async def work() -> None:
        nonlocal turns
        turns += 1
        if turns == 9:
            done.set()
        raise (RuntimeError if turns % 3 else OSError)("canary")

    background = BackgroundTasks()
    background.every(0, work)
    await done.wait()
    await background.close()
    lines = [(each.msg, each.kind) for each in caplog.records]
    assert lines == [(Event.TASK_FAILED, "RuntimeError"), (Event.TASK_FAILED, "OSError")]
    assert "canary" not in caplog.text
