"""Private keys at rest: AES-256-GCM under a key that lives in a file of its own.

Wrapped value: one byte of format (1), a random 96-bit nonce, ciphertext and tag. The ``kid`` is
authenticated with it, so a wrapped key cannot be put in the place of another.
"""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.core.errors import Conflict, StoreUnavailable
from gateway.core.secret import Secret

KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_FORMAT: Final = b"\x01"
_OTHERS: Final = 0o077


class FileKeyWrap:
    """A ``KeyWrap`` over a key file that only its owner can read.

    Random nonces are safe here for 2**32 wraps of one key file (NIST SP 800-38D §8.3); a gateway
    that rotates every hour stays below that for longer than there are computers.
    """

    def __init__(self, wrapping_key: Secret[bytes]) -> None:
        if len(wrapping_key.reveal()) != KEY_BYTES:
            raise StoreUnavailable("A wrapping key has 32 bytes.")
        self._cipher = AESGCM(wrapping_key.reveal())

    @classmethod
    def open(cls, path: Path) -> FileKeyWrap:
        """Return a key wrap over the key file at *path*, which is read once, now.

        Raises ``StoreUnavailable`` when it is missing, a link or no plain file, belongs to another
        user, can be read by others, or has not exactly 32 bytes.
        """
        return cls(_read_key_file(path))

    async def wrap(self, private: Secret[bytes], *, kid: str) -> bytes:
        """Return *private* wrapped for *kid*."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return _FORMAT + nonce + self._cipher.encrypt(nonce, private.reveal(), key_binding(kid))

    async def close(self) -> None:
        """Do nothing: no file is open."""

    async def unwrap(self, wrapped: bytes, *, kid: str) -> Secret[bytes]:
        """Return what was wrapped for *kid*. Raises ``StoreUnavailable`` when it does not open."""
        head = len(_FORMAT)
        nonce, sealed = wrapped[head : head + _NONCE_BYTES], wrapped[head + _NONCE_BYTES :]
        if wrapped[:head] != _FORMAT or len(nonce) != _NONCE_BYTES:
            raise StoreUnavailable("A stored key has an unknown format.")
        try:
            return Secret(self._cipher.decrypt(nonce, sealed, key_binding(kid)))
        except InvalidTag:
            raise StoreUnavailable("A stored key does not open with this key file.") from None


def create_key_file(path: Path) -> None:
    """Write a fresh random key to a new file of mode 0600, durable when the call returns.

    Raises ``Conflict`` when there is one already, since without it all wrapped keys are lost;
    ``StoreUnavailable`` when it cannot be written.
    """
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        raise Conflict("The key file exists already.") from None
    except OSError:
        raise StoreUnavailable("The key file cannot be written.") from None


def _read_key_file(path: Path) -> Secret[bytes]:
    try:
        # Non-blocking, so that a pipe in place of the file is refused instead of waited for.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(path, flags)
        with os.fdopen(descriptor, "rb") as file:
            _verify_private(os.fstat(file.fileno()))
            return Secret(file.read(KEY_BYTES + 1))
    except OSError:
        raise StoreUnavailable("The key file cannot be opened.") from None


def _verify_private(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise StoreUnavailable("The key file is not a plain file.")
    if status.st_uid != os.geteuid():
        raise StoreUnavailable("The key file belongs to another user.")
    if status.st_mode & _OTHERS:
        raise StoreUnavailable("The key file can be read by others; its mode must be 0600.")


def key_binding(kid: str) -> bytes:
    """Return what is authenticated together with a wrapped key, so that it stays with its kid."""
    return b"sealgate key " + kid.encode()
