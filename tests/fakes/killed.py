"""A process that is killed in the middle of its work, and a look at what it left."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections.abc import Awaitable, Callable

from gateway.backends.database.store import DatabaseStore
from gateway.core.audit import AuditRow, TrailVerifier
from gateway.core.registry import ControlState

KILLS = 20
LONGEST_SECONDS = 0.05
"""About a round of all acts; less than one on a machine that has other work."""

Tell = Callable[[str], None]
"""Says what was answered for; one word."""


def kill_in_the_middle(work: Callable[[Tell], Awaitable[None]]) -> list[str]:
    """Let a process do *work* and kill it at a moment nobody chose; return what it told.

    It is killed once it has told something, so that it is in the middle.
    """
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            asyncio.run(work(lambda name: _tell(writing, name)))
        finally:
            os._exit(1)
    os.close(writing)
    with os.fdopen(reading) as told:
        first = told.readline().strip()
        time.sleep(random.random() * LONGEST_SECONDS)
        os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        assert os.WIFSIGNALED(status)
        return [first, *told.read().split()]


async def look(url: str) -> tuple[ControlState, list[AuditRow]]:
    """Return the state and the trail, whose chain is whole."""
    store = DatabaseStore.open(url)
    try:
        state, rows, verifier = await store.load(), [], TrailVerifier()
        while page := await store.list_audit(after=len(rows), limit=500):
            rows += page
        for row in rows:
            verifier.feed(row)
        verifier.finish(await store.audit_head())
        return state, rows
    finally:
        await store.close()


def _tell(writing: int, name: str) -> None:
    os.write(writing, f"{name}\n".encode())
