"""Child processes of the benchmark: started, waited for, weighed, stopped for certain."""

import asyncio
import math
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from loadtests.cores import starting_on

_PROC = Path("/proc")
_SCHEDULED = 2
"""What the kernel's clock of a process counts: the time for which the scheduler let it run."""
_START_SECONDS = 60.0
_STOP_SECONDS = 5.0
_LOG_CHARACTERS = 600
_POLL_SECONDS = 0.02


def tree_of(pid: int, *, proc: Path = _PROC) -> list[int]:
    """Return *pid* and all its descendants that are alive."""
    found, waiting = [], [pid]
    while waiting:
        current = waiting.pop()
        found.append(current)
        for task in proc.glob(f"{current}/task/*/children"):
            try:
                waiting += [int(child) for child in task.read_text().split()]
            except FileNotFoundError:
                continue
    return found


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that *pid* and its living descendants have used, in all their threads.

    It is read from the clock that the kernel keeps of each process (``clock_getcpuclockid(3)``): in
    nanoseconds, and threads that are over still count.
    """
    return sum(map(_cpu_of, tree_of(pid)))


def _cpu_of(pid: int) -> float:
    try:
        return time.clock_gettime(~pid << 3 | _SCHEDULED)
    except OSError:  # it is gone
        return 0.0


def resident_megabytes(pid: int, *, proc: Path = _PROC) -> float:
    """Return the proportional memory of *pid* and its descendants in MB.

    NaN where it may not be read: the gateway lets only root look at its memory.
    """
    total = 0
    for one in tree_of(pid, proc=proc):
        try:
            lines = (proc / str(one) / "smaps_rollup").read_text().splitlines()
        except (FileNotFoundError, ProcessLookupError):
            continue
        except PermissionError:
            return math.nan
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


class NotStartedError(Exception):
    """A child process did not come up; the message has the end of what it said."""


async def wait_for_start(
    ready: Callable[[], Awaitable[bool]],
    *,
    log: Path,
    pid: int | None = None,
    seconds: float = _START_SECONDS,
) -> None:
    """Return once *ready* says so.

    Raises NotStartedError with the end of *log* when that takes too long, or process *pid* ends.
    """

    async def is_settled() -> bool:
        return is_gone(pid) or await ready()

    try:
        await wait_until(is_settled, seconds=seconds)
    except TimeoutError:
        said = _end_of(log)
        raise NotStartedError(f"not started within {seconds:g} s: {said}") from None
    if is_gone(pid):
        raise NotStartedError(f"it ended at once: {_end_of(log)}")


def is_gone(pid: int | None, *, proc: Path = _PROC) -> bool:
    """Tell whether process *pid* has ended; without one there is nothing that could."""
    return pid is not None and not (proc / str(pid)).exists()


def _end_of(log: Path) -> str:
    return log.read_text(errors="replace")[-_LOG_CHARACTERS:]


async def wait_until(ready: Callable[[], Awaitable[bool]], *, seconds: float) -> None:
    """Return once *ready* says so; raises TimeoutError when it does not in time."""
    async with asyncio.timeout(seconds):
        while not await ready():  # noqa: ASYNC110 - another process gives no event
            await asyncio.sleep(_POLL_SECONDS)


@asynccontextmanager
async def running(
    command: Sequence[str], *, log: Path, cwd: Path, cores: Collection[int] | None = None
) -> AsyncIterator[int]:
    """Run *command* until the block ends and give its process id; its output goes to *log*.

    On *cores* alone, if they are given.
    """
    with log.open("wb") as output, starting_on(cores):
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        yield process.pid
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), _STOP_SECONDS)
            except TimeoutError:
                process.kill()
                await process.wait()


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def is_listening(address: Path | tuple[str, int]) -> bool:
    """Tell whether somebody accepts connections at *address*."""
    try:
        if isinstance(address, Path):
            _, writer = await asyncio.open_unix_connection(str(address))
        else:
            _, writer = await asyncio.open_connection(*address)
    except (ConnectionError, FileNotFoundError):
        return False
    writer.close()
    return True
