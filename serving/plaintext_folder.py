"""The private folder in which opened weights lie while vLLM runs, in memory where that can be had.

The folder is gone when its context ends. What a killed launcher could not remove, the next one
does: each folder is locked by its owner for as long as the owner lives, so an unlocked one is a
remnant.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from serving.errors import LaunchFailed

PREFIX: Final = "sealgate-plaintext-"
MEMORY_FOLDER: Final = Path("/dev/shm")  # noqa: S108  # memory, not a shared place on disk
_TRIES: Final = 5
_VLLM_SHARED_BYTES: Final = 2**30  # 0.4 GiB were seen with one worker


def choose_parent(
    configured: Path | None, *, fallback: Path, needed_bytes: int, memory: Path = MEMORY_FOLDER
) -> Path:
    """Return where to put the folder: *configured*, else memory (tmpfs), else *fallback*.

    Memory is taken when it has room for *needed_bytes* and for what vLLM itself shares there.
    """
    if configured is not None:
        return configured
    if not os.access(memory, os.W_OK | os.X_OK):
        return fallback
    free_bytes = shutil.disk_usage(memory).free
    return memory if free_bytes >= needed_bytes + _VLLM_SHARED_BYTES else fallback


def make_private_folder(parent: Path) -> Path:
    """Return a new folder under *parent* with mode 0700. Raises ``OSError``."""
    return Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))


@contextmanager
def plaintext_folder(
    parent: Path, *, make: Callable[[Path], Path] = make_private_folder
) -> Iterator[Path]:
    """Give a new 0700 folder under *parent*; remove it with all its content at the end.

    Raises :class:`LaunchFailed` when *parent* cannot be used.
    """
    try:
        remove_remnants(parent)
        folder, lock = _make_locked(parent, make)
    except OSError as error:
        raise LaunchFailed(f"{parent}: {error.strerror}") from None
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def remove_remnants(parent: Path) -> list[Path]:
    """Remove what dead launchers of this user left under *parent*; return what was removed."""
    removed = []
    for folder in sorted(parent.glob(f"{PREFIX}*")):
        if folder.is_symlink() or not folder.is_dir() or folder.stat().st_uid != os.geteuid():
            continue
        lock = _try_lock(folder)
        if lock is None:
            continue
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)
        removed.append(folder)
    return removed


def _make_locked(parent: Path, make: Callable[[Path], Path]) -> tuple[Path, int]:
    for _ in range(_TRIES):
        folder = make(parent)
        lock = _try_lock(folder)
        # Another launcher may take the folder for a remnant before it is locked.
        if lock is not None and folder.is_dir():
            return folder, lock
        if lock is not None:
            os.close(lock)
    raise LaunchFailed(f"{parent}: no private folder could be made")


def _try_lock(folder: Path) -> int | None:
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor
