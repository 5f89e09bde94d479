"""Processes of the benchmark, read from a made-up /proc and from the real one."""

import sys
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


def add_process(proc: Path, pid: int, *, children: str, nanoseconds: int) -> None:
    """Write what the kernel would show of one process."""
    task = proc / str(pid) / "task" / str(pid)
    task.mkdir(parents=True)
    (task / "children").write_text(children)
    (task / "schedstat").write_text(f"{nanoseconds} 0 1")
    stat = f"{pid} (a ) b) S 1 1 1 0 -1 0 0 0 0 0 150 50 0 0"
    (proc / str(pid) / "stat").write_text(stat)


def test_the_whole_tree_is_counted(tmp_path: Path) -> None:
    """CPU time of children and grandchildren belongs to the contender."""
    add_process(tmp_path, 10, children="11 12", nanoseconds=500_000_000)
    add_process(tmp_path, 11, children="13", nanoseconds=250_000_000)
    add_process(tmp_path, 12, children="", nanoseconds=125_000_000)
    add_process(tmp_path, 13, children="", nanoseconds=125_000_000)
    assert sorted(tree_of(10, proc=tmp_path)) == [10, 11, 12, 13]
    assert cpu_seconds(10, proc=tmp_path) == pytest.approx(1.0)


def test_clock_ticks_stand_in_where_the_kernel_counts_no_nanoseconds(tmp_path: Path) -> None:
    """Without the scheduler's own count, user and system ticks are added."""
    add_process(tmp_path, 10, children="", nanoseconds=0)
    assert cpu_seconds(10, proc=tmp_path) == pytest.approx(2.0, rel=0.9)
    assert cpu_seconds(99, proc=tmp_path) == 0.0


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
