"""Processes of the benchmark, read from a made-up /proc and from the real one."""

import os
import sys
import threading
import time
from pathlib import Path

import pytest

from loadtests.processes import (
    NotStartedError,
    cpu_seconds,
    free_port,
    is_listening,
    running,
    tree_of,
    wait_for_start,
    wait_until,
)


def add_process(proc: Path, pid: int, *, children: str) -> None:
    """Write what the kernel would show of one process."""
    task = proc / str(pid) / "task" / str(pid)
    task.mkdir(parents=True)
    (task / "children").write_text(children)


def test_the_whole_tree_is_found(tmp_path: Path) -> None:
    """Children and grandchildren belong to the contender."""
    add_process(tmp_path, 10, children="11 12")
    add_process(tmp_path, 11, children="13")
    add_process(tmp_path, 12, children="")
    add_process(tmp_path, 13, children="")
    assert sorted(tree_of(10, proc=tmp_path)) == [10, 11, 12, 13]


def _work(seconds: float) -> None:
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


def test_threads_that_are_over_still_count() -> None:
    """CPU time never falls, though a program that was measured may end threads meanwhile."""
    before = cpu_seconds(os.getpid())
    thread = threading.Thread(target=_work, args=(0.02,))
    thread.start()
    thread.join()
    used = cpu_seconds(os.getpid()) - before
    assert 0.02 <= used < 5


async def test_a_process_ends_with_its_block(tmp_path: Path) -> None:
    """A started process uses CPU time, and is gone when its block is left."""
    busy = [sys.executable, "-c", "while True: pass"]

    async with running(busy, log=tmp_path / "log", cwd=tmp_path) as pid:

        async def has_worked() -> bool:
            return cpu_seconds(pid) > 0.01

        await wait_until(has_worked, seconds=10)
    assert cpu_seconds(pid) == 0.0


async def test_waiting_ends_in_time() -> None:
    """What never becomes ready is given up."""
    port = free_port()
    with pytest.raises(TimeoutError):
        await wait_until(lambda: is_listening(("127.0.0.1", port)), seconds=0.1)


async def test_a_process_that_ends_is_not_waited_for(tmp_path: Path) -> None:
    """Who does not come up is given up as soon as the process is gone, with what it said."""

    async def never() -> bool:
        return False

    log = tmp_path / "log"
    async with running(["sh", "-c", "echo no such setting"], log=log, cwd=tmp_path) as pid:
        with pytest.raises(NotStartedError, match="no such setting"):
            await wait_for_start(never, log=log, pid=pid, seconds=60)
