"""Background tasks: a failing one goes on, and says nothing but the class of its error."""

from __future__ import annotations

import asyncio

import pytest

from gateway.control.background import BackgroundTasks
from gateway.core.events import Event


async def test_failure_is_logged_by_class_and_tried_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The text of an error stays out of the log, and the task has its next turn."""
    turns, second = 0, asyncio.Event()

    async def work() -> None:
        nonlocal turns
        turns += 1
        if turns == 2:
            second.set()
        raise RuntimeError("canary")

    background = BackgroundTasks()
    background.every(0, work)
    await second.wait()
    await background.close()
    assert {(each.msg, each.kind) for each in caplog.records} == {
        (Event.TASK_FAILED, "RuntimeError")
    }
    assert "canary" not in caplog.text
