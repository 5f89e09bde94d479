"""Files and directories that are the gateway's alone: modes 0600 and 0700, never through a link."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from gateway.core.errors import StoreUnavailable

NO_LINK: Final = os.O_NOFOLLOW | os.O_CLOEXEC
_OTHERS: Final = 0o077


def open_private_directory(directory: Path) -> None:
    """Make *directory*, and what it lies in, with mode 0700 unless it is there.

    Raises ``StoreUnavailable`` when it is a link, belongs to another user or is open to others.
    """
    with file_errors():
        for path in (*reversed(directory.parents), directory):
            if not path.exists():
                path.mkdir(mode=0o700, exist_ok=True)
        status = directory.lstat()
    if not stat.S_ISDIR(status.st_mode):
        raise StoreUnavailable("The directory of the access log is not a directory.")
    if status.st_uid != os.geteuid() or status.st_mode & _OTHERS:
        raise StoreUnavailable("The directory of the access log must be ours, with mode 0700.")


def create_private_file(path: Path, content: bytes = b"") -> int:
    """Make a new file of mode 0600 with *content*, durable; return it open for writing.

    Raises ``OSError``, ``FileExistsError`` when there is one.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | NO_LINK
    descriptor = os.open(path, flags, 0o600)
    try:
        if content:
            _fill(descriptor, content)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _fill(descriptor: int, content: bytes) -> None:
    if os.write(descriptor, content) < len(content):  # there was room for a part of it
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    os.fsync(descriptor)


def sync_directory(directory: Path) -> None:
    """Make what was made, renamed and removed in *directory* durable. Raises ``OSError``."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | NO_LINK)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def locked_directory(directory: Path) -> Iterator[None]:
    """Keep every other process, and thread, that asks for the same lock waiting. ``OSError``."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | NO_LINK)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def file_errors() -> Iterator[None]:
    """Turn an ``OSError`` into ``StoreUnavailable``, without its text: it names paths."""
    try:
        yield
    except OSError:
        raise StoreUnavailable("The access log cannot be used.") from None
