"""Where the keys of bundles come from: today files that only their owner may read.

Three keys, so that each machine holds no more than it needs: whoever fine-tunes holds the signing
key and the wrapping key, a GPU host the wrapping key and the verification key. A file that
anybody else could read (or, for the verification key, write) is refused rather than used.
"""

from __future__ import annotations

import base64
import binascii
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from gateway.core.secret import Secret
from serving.errors import KeyRefused
from serving.sealed_file import WRAPPING_KEY_BYTES

WRAPPING_KEY_FILE: Final = "wrapping.key"
SIGNING_KEY_FILE: Final = "signing.key"
VERIFICATION_KEY_FILE: Final = "verification.pub"

_WRAPPING_PREFIX: Final = b"sealgate-wrapping-key-1:"
_MAX_KEY_FILE_BYTES: Final = 4096


class KeySource(Protocol):
    """Gives the keys of bundles. Every method raises :class:`KeyRefused` when it cannot."""

    def wrapping_key(self) -> Secret[bytes]:
        """Return the 32 bytes under which file keys are wrapped."""

    def signing_key(self) -> Ed25519PrivateKey:
        """Return the key that signs manifests."""

    def verification_key(self) -> Ed25519PublicKey:
        """Return the only key whose signature on a manifest is accepted."""


class FileKeySource:
    """Satisfies :class:`KeySource` with the files of :func:`generate_keys` in *directory*."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def wrapping_key(self) -> Secret[bytes]:
        """Return the wrapping key. Raises :class:`KeyRefused`."""
        path = self._directory / WRAPPING_KEY_FILE
        text = _read_key_file(path, forbidden_bits=stat.S_IRWXG | stat.S_IRWXO).strip()
        try:
            key = base64.b64decode(text.removeprefix(_WRAPPING_PREFIX), validate=True)
        except binascii.Error:
            key = b""
        if not text.startswith(_WRAPPING_PREFIX) or len(key) != WRAPPING_KEY_BYTES:
            raise KeyRefused(f"{path}: not a wrapping key")
        return Secret(key)

    def signing_key(self) -> Ed25519PrivateKey:
        """Return the signing key. Raises :class:`KeyRefused`."""
        path = self._directory / SIGNING_KEY_FILE
        text = _read_key_file(path, forbidden_bits=stat.S_IRWXG | stat.S_IRWXO)
        key = _parse_pem(path, lambda: load_pem_private_key(text, password=None))
        if not isinstance(key, Ed25519PrivateKey):
            raise KeyRefused(f"{path}: not an Ed25519 private key")
        return key

    def verification_key(self) -> Ed25519PublicKey:
        """Return the verification key; anybody may read it. Raises :class:`KeyRefused`."""
        path = self._directory / VERIFICATION_KEY_FILE
        text = _read_key_file(path, forbidden_bits=stat.S_IWGRP | stat.S_IWOTH)
        key = _parse_pem(path, lambda: load_pem_public_key(text))
        if not isinstance(key, Ed25519PublicKey):
            raise KeyRefused(f"{path}: not an Ed25519 public key")
        return key


def generate_keys(directory: Path) -> list[Path]:
    """Write three new keys into *directory* (0700) and return their paths.

    Never overwrites: raises :class:`KeyRefused` when one of the files is there already, and
    writes none.
    """
    signing = Ed25519PrivateKey.generate()
    contents = {
        WRAPPING_KEY_FILE: (
            _WRAPPING_PREFIX + base64.b64encode(os.urandom(WRAPPING_KEY_BYTES)) + b"\n",
            0o600,
        ),
        SIGNING_KEY_FILE: (
            signing.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
            0o600,
        ),
        VERIFICATION_KEY_FILE: (
            signing.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
            0o644,
        ),
    }
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in contents:
        if (directory / name).exists():
            raise KeyRefused(f"{directory / name}: is there already; keys are never overwritten")
    for name, (content, mode) in contents.items():
        _write_new_file(directory / name, content, mode=mode)
    return [directory / name for name in contents]


def _write_new_file(path: Path, content: bytes, *, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _read_key_file(path: Path, *, forbidden_bits: int) -> bytes:
    """Return the content, or refuse. The file that was checked is the one that is read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise KeyRefused(f"{path}: {error.strerror}") from None
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise KeyRefused(f"{path}: not a regular file")
        if status.st_uid not in (os.geteuid(), 0):
            raise KeyRefused(f"{path}: belongs to another user")
        if status.st_mode & forbidden_bits:
            mode = stat.S_IMODE(status.st_mode)
            raise KeyRefused(f"{path}: open to others (mode {mode:04o}); make it 0600")
        return file.read(_MAX_KEY_FILE_BYTES)


def _parse_pem(path: Path, load: Callable[[], object]) -> object:
    try:
        return load()
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise KeyRefused(f"{path}: not a PEM key without a passphrase") from None
