"""Memory that several processes share, with another process on the other side."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from gateway.backends.anonymous_file import MAX_USES, AnonymousFile
from tests.architecture.source import ROOT

OTHER = """
import asyncio, sys
from contextlib import AsyncExitStack
from gateway.backends.anonymous_file import AnonymousFile
file, stack = AnonymousFile(int(sys.argv[1])), AsyncExitStack()
async def main():
    for line in sys.stdin:
        verb, number = line.split()
        match verb:
            case "lock": said = await stack.enter_async_context(file.locked(seconds=5))
            case "write": said = file.write(number.encode())
            case "use": said = file.use(int(number))
            case "leave": said = file.leave(int(number))
        print(said, flush=True)
asyncio.run(main())
"""


class Other:
    """Another process that has the same file and does what it is told."""

    def __init__(self, file: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", OTHER, str(file)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=(file,),
        )

    def does(self, verb: str, number: int = 0) -> str:
        """Return what came of it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{verb} {number}\n".encode())
        self._process.stdin.flush()
        return self._process.stdout.readline().decode().strip()

    def kill(self) -> None:
        """End it without a word."""
        self._process.kill()
        with self._process:
            pass


@pytest.fixture(scope="module")
def descriptor() -> Iterator[int]:
    """Give the file that the tests of this module share; each has a number of its own."""
    file = os.memfd_create("test")
    yield file
    os.close(file)


@pytest.fixture
def other(descriptor: int) -> Iterator[Other]:
    """Give another process."""
    other = Other(descriptor)
    yield other
    other.kill()


def test_last_line_is_read_by_all(descriptor: int, other: Other) -> None:
    """A shorter line leaves nothing of a longer one, and another process reads the same."""
    file = AnonymousFile(descriptor)
    file.write(b"1234567")
    other.does("write", 89)
    assert file.read() == b"89"
    assert os.pread(descriptor, 100, 0) == b"89\n"


def test_long_line_is_read_whole(descriptor: int) -> None:
    """However much is known, half of it would be worth nothing."""
    line = b"x" * 2_000_000
    AnonymousFile(descriptor).write(line)
    assert AnonymousFile(descriptor).read() == line


def test_new_file_is_empty_and_has_no_name() -> None:
    """There is nothing to find it by in any file system."""
    file = os.memfd_create("test")
    assert AnonymousFile(file).read() == b""
    assert os.fstat(file).st_nlink == 0
    assert not os.get_inheritable(file)
    os.close(file)
    assert AnonymousFile().read() == b""


async def test_one_writes_at_a_time(descriptor: int, other: Other) -> None:
    """While another process has the lock it is waited for, and not for ever."""
    file = AnonymousFile(descriptor)
    async with file.locked(seconds=0):
        pass
    other.does("lock")
    with pytest.raises(TimeoutError):
        async with file.locked(seconds=0.05):
            pass
    other.kill()
    async with file.locked(seconds=5):
        pass


def test_last_user_is_told_so(descriptor: int, other: Other) -> None:
    """Whoever leaves first is not the last, and who comes then is too late."""
    file = AnonymousFile(descriptor)
    number = MAX_USES - 1
    assert (file.use(number), other.does("use", number)) == (True, "True")
    assert (file.leave(number), other.does("leave", number)) == (False, "True")
    assert not file.use(number)
    other.kill()
    assert file.use(number)


def test_killed_user_uses_nothing(descriptor: int, other: Other) -> None:
    """What a process used that died keeps nobody from being the last."""
    file = AnonymousFile(descriptor)
    assert (file.use(7), other.does("use", 7)) == (True, "True")
    other.kill()
    assert file.leave(7)
