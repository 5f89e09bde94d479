"""Files of backups: written whole or not at all, readable by their owner alone."""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Final

from gateway.core.backup import MAX_LINE_BYTES
from gateway.core.errors import Conflict, StoreUnavailable

_FLAGS: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


async def write_backup(path: Path, lines: AsyncGenerator[bytes], *, replaces: bool = False) -> None:
    """Write *lines* to *path* with mode 0600, durable when the call returns.

    Under a name of its own until it is whole, so that whoever is killed leaves at most that. Raises
    ``Conflict`` when *path* is there and must not be replaced, ``StoreUnavailable`` when it cannot
    be written, and what *lines* raises.
    """
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        if not replaces:
            _verify_absent(path)  # before the work rather than after it
        descriptor = os.open(unfinished, _FLAGS, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            async with aclosing(lines):
                async for line in lines:
                    file.write(line)
            file.flush()
            os.fsync(file.fileno())
        _put_in_place(unfinished, path, replaces=replaces)
    except FileExistsError:
        raise Conflict(f"{path} exists already.") from None
    except OSError as error:
        raise StoreUnavailable(f"{path} cannot be written: {error.strerror}.") from None
    finally:
        with suppress(OSError):
            unfinished.unlink()


def read_lines(path: Path) -> Iterator[bytes]:
    """Yield the lines of a file. Raises ``StoreUnavailable``."""
    try:
        with path.open("rb") as file:
            while line := file.readline(MAX_LINE_BYTES):
                yield line
    except OSError as error:
        raise StoreUnavailable(f"{path} cannot be read: {error.strerror}.") from None


def _verify_absent(path: Path) -> None:
    if os.path.lexists(path):
        raise FileExistsError


def _put_in_place(unfinished: Path, path: Path, *, replaces: bool) -> None:
    if replaces:
        unfinished.replace(path)
    else:
        path.hardlink_to(unfinished)  # unlike a rename it fails where somebody was quicker
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
