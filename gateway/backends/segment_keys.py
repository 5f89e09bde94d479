"""The keys of the access log's segments, wrapped, a file each in a directory of their own.

A key is destroyed by overwriting its file and then removing it: from then on no copy of the segment
opens. What a disk, a snapshot or a backup keeps of the old file is not ours to destroy, so the
directory must be in none; it is marked for backup programs with a ``CACHEDIR.TAG``.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Final

from gateway.backends.private_files import (
    NO_LINK,
    create_private_file,
    file_errors,
    locked_directory,
    open_private_directory,
    sync_directory,
)
from gateway.backends.whole_work import do_whole
from gateway.core.access_segments import SEGMENT_KEY_BYTES
from gateway.core.errors import StoreUnavailable
from gateway.core.ports import KeyWrap
from gateway.core.secret import Secret

_SUFFIX: Final = ".key"
_MAX_BYTES: Final = 4096  # a wrapped key has some hundred
_TAG: Final = b"Signature: 8a477f597d28d172789f06886806bc55\n"  # the specification's own constant


class SegmentKeys:
    """Keys by the name of their segment. Safe for several processes on one directory.

    Raises ``StoreUnavailable`` when the directory is a link, of another user or open to others.
    """

    def __init__(self, directory: Path, key_wrap: KeyWrap) -> None:
        self._directory = directory
        self._key_wrap = key_wrap
        open_private_directory(directory)
        with file_errors(), suppress(FileExistsError):
            os.close(create_private_file(directory / "CACHEDIR.TAG", _TAG))

    async def add(self, name: str) -> Secret[bytes]:
        """Return a fresh key for the segment *name*, once its wrapped form is durable.

        Raises ``KeyServiceUnavailable`` while it cannot be wrapped, ``StoreUnavailable``.
        """
        key = Secret(secrets.token_bytes(SEGMENT_KEY_BYTES))
        wrapped = await self._key_wrap.wrap(key, kid=_kid(name))
        # Whole: else who is cancelled here destroys a key that is then stored after all.
        await do_whole(lambda: self._store(name, wrapped))
        return key

    async def find(self, name: str) -> Secret[bytes] | None:
        """Return the key of the segment *name*, or None when there is none or it was destroyed.

        Raises ``StoreUnavailable`` when it does not open.
        """
        wrapped = self._read(name)
        return await self._key_wrap.unwrap(wrapped, kid=_kid(name)) if wrapped else None

    def names(self) -> set[str]:
        """Return the names of all segments that have a key. Raises ``StoreUnavailable``."""
        with file_errors():
            found = self._directory.iterdir()
            return {path.name.removesuffix(_SUFFIX) for path in found if path.suffix == _SUFFIX}

    def destroy(self, name: str) -> None:
        """Overwrite and remove the key of the segment *name*, if there is one. May be repeated.

        Raises ``StoreUnavailable``; the key may then be destroyed or not.
        """
        # Destroying and replacing are kept apart: else a destroyed key could come back.
        with file_errors(), locked_directory(self._directory):
            # What a killed rewrap left goes first: as long as there is a key this is repeated.
            for path in (self._fresh(name), self._path(name)):
                with suppress(FileNotFoundError):
                    self._erase(path)
                    path.unlink()
            sync_directory(self._directory)

    async def rewrap(self) -> int:
        """Wrap every key anew under the newest wrapping key; return how many.

        A key changes its file in one step, so that it opens whenever this ends early. Raises
        ``StoreUnavailable`` for the first one that does not open.
        """
        count = 0
        for name in sorted(self.names()):
            key = await self.find(name)
            if key is not None:
                wrapped = await self._key_wrap.wrap(key, kid=_kid(name))
                tried = await self._key_wrap.unwrap(wrapped, kid=_kid(name))
                if tried.reveal() != key.reveal():
                    raise StoreUnavailable("A key that was wrapped anew opens as another.")
                count += await asyncio.to_thread(self._replace, name, wrapped)
        return count

    def _store(self, name: str, wrapped: bytes) -> None:
        with file_errors():
            os.close(create_private_file(self._path(name), wrapped))
            sync_directory(self._directory)

    def _replace(self, name: str, wrapped: bytes) -> bool:
        """Put *wrapped* in the place of the key; return False when it was destroyed meanwhile."""
        path, fresh = self._path(name), self._fresh(name)
        with file_errors(), locked_directory(self._directory):
            if not path.exists():
                return False
            fresh.unlink(missing_ok=True)  # of a process that was killed here
            os.close(create_private_file(fresh, wrapped))
            old = os.open(path, os.O_WRONLY | NO_LINK)
            try:
                fresh.replace(path)
                sync_directory(self._directory)
                _overwrite(old)
            finally:
                os.close(old)
        return True

    def _erase(self, path: Path) -> None:
        descriptor = os.open(path, os.O_WRONLY | NO_LINK)
        try:
            _overwrite(descriptor)
        finally:
            os.close(descriptor)

    def _read(self, name: str) -> bytes:
        with file_errors():
            try:
                descriptor = os.open(self._path(name), os.O_RDONLY | os.O_NONBLOCK | NO_LINK)
            except FileNotFoundError:
                return b""
            with os.fdopen(descriptor, "rb") as file:
                wrapped = file.read(_MAX_BYTES)
        # Zeros: its destruction was interrupted before the file was removed.
        return wrapped if wrapped.strip(b"\0") else b""

    def _path(self, name: str) -> Path:
        return self._directory / f"{name}{_SUFFIX}"

    def _fresh(self, name: str) -> Path:
        return self._directory / f"{name}.new"


def _overwrite(descriptor: int) -> None:
    os.pwrite(descriptor, bytes(os.fstat(descriptor).st_size), 0)
    os.fsync(descriptor)


def _kid(name: str) -> str:
    return f"access-log:{name}"
