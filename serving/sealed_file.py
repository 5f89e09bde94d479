"""One file under streaming authenticated encryption: AES-256-GCM in numbered segments.

Promises that an opened file is byte for byte what was sealed under the same path: a flipped bit,
a segment that is missing, added, swapped or taken from another file, a cut end, another path and
another wrapping key are all refused, with one error. Bytes written before the refusal are not yet
to be trusted; the caller deletes them.

Layout::

    magic(8) ‖ wrap nonce(12) ‖ wrapped file key(32+16) ‖ nonce prefix(7) ‖ segment ‖ … ‖ last

Each segment is up to 1 MiB of ciphertext and a 16-byte tag, under the nonce prefix ‖ counter(4) ‖
last(1). This is the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár, CRYPTO 2015); the
file key is fresh for each file and used for nothing else, so counters never repeat under one key
(NIST SP 800-38D §8). The file key is wrapped by AES-256-GCM with the path as associated data.
"""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.core.secret import Secret
from serving.errors import BundleRefused

SEGMENT_BYTES: Final = 2**20
WRAPPING_KEY_BYTES: Final = 32

_MAGIC: Final = b"SGSEAL\x00\x01"
_NONCE_BYTES: Final = 12
_PREFIX_BYTES: Final = 7
_TAG_BYTES: Final = 16
_WRAPPED_BYTES: Final = 32 + _TAG_BYTES
_HEADER_BYTES: Final = len(_MAGIC) + _NONCE_BYTES + _WRAPPED_BYTES + _PREFIX_BYTES
_MAX_SEGMENTS: Final = 2**32  # what the counter can number: 4 PiB


@dataclass(frozen=True, slots=True)
class FileDigests:
    """Size and SHA-256 of one file open, and its SHA-256 sealed, both in hexadecimal."""

    size: int
    plaintext_sha256: str
    ciphertext_sha256: str


def seal_stream(
    source: BinaryIO, target: BinaryIO, *, path: str, wrapping_key: Secret[bytes]
) -> FileDigests:
    """Write *source* sealed to *target* and return its digests; memory stays at a few MiB."""
    file_key = AESGCM.generate_key(256)
    prefix = os.urandom(_PREFIX_BYTES)
    plain, sealed = hashlib.sha256(), hashlib.sha256()
    header = _header(Secret(file_key), prefix=prefix, path=path, wrapping_key=wrapping_key)
    target.write(header)
    sealed.update(header)
    cipher = AESGCM(file_key)
    size = 0
    for number, segment, last in _pieces(source, SEGMENT_BYTES):
        ciphertext = cipher.encrypt(_nonce(prefix, number, last=last), segment, _MAGIC)
        plain.update(segment)
        sealed.update(ciphertext)
        target.write(ciphertext)
        size += len(segment)
    return FileDigests(size, plain.hexdigest(), sealed.hexdigest())


def open_stream(
    source: BinaryIO, target: BinaryIO, *, path: str, wrapping_key: Secret[bytes]
) -> FileDigests:
    """Write what *source* holds, opened, to *target* and return its digests.

    Raises :class:`BundleRefused`; what was written until then must be deleted.
    """
    header = _read_header(source)
    file_key, prefix = _open_header(header, path=path, wrapping_key=wrapping_key)
    plain, sealed = hashlib.sha256(), hashlib.sha256(header)
    cipher = AESGCM(file_key.reveal())
    size = 0
    for number, ciphertext, last in _pieces(source, SEGMENT_BYTES + _TAG_BYTES):
        try:
            segment = cipher.decrypt(_nonce(prefix, number, last=last), ciphertext, _MAGIC)
        except (InvalidTag, ValueError):
            raise _refused(path) from None
        plain.update(segment)
        sealed.update(ciphertext)
        target.write(segment)
        size += len(segment)
    return FileDigests(size, plain.hexdigest(), sealed.hexdigest())


def rewrap_stream(
    source: BinaryIO,
    target: BinaryIO,
    *,
    path: str,
    old_wrapping_key: Secret[bytes],
    new_wrapping_key: Secret[bytes],
) -> str:
    """Copy a sealed file under another wrapping key; return the SHA-256 of the copy.

    The segments stay as they are: whoever had the old key and the old file has read it already.
    Raises :class:`BundleRefused` when the old key is not the right one.
    """
    file_key, prefix = _open_header(_read_header(source), path=path, wrapping_key=old_wrapping_key)
    header = _header(file_key, prefix=prefix, path=path, wrapping_key=new_wrapping_key)
    target.write(header)
    sealed = hashlib.sha256(header)
    while piece := source.read(SEGMENT_BYTES):
        target.write(piece)
        sealed.update(piece)
    return sealed.hexdigest()


def _header(
    file_key: Secret[bytes], *, prefix: bytes, path: str, wrapping_key: Secret[bytes]
) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    wrapped = AESGCM(wrapping_key.reveal()).encrypt(nonce, file_key.reveal(), _wrap_aad(path))
    return _MAGIC + nonce + wrapped + prefix


def _read_header(source: BinaryIO) -> bytes:
    return source.read(_HEADER_BYTES)


def _open_header(
    header: bytes, *, path: str, wrapping_key: Secret[bytes]
) -> tuple[Secret[bytes], bytes]:
    """Return the file key and the nonce prefix, or refuse."""
    if len(header) != _HEADER_BYTES or not header.startswith(_MAGIC):
        raise _refused(path)
    nonce_at = len(_MAGIC)
    wrapped_at = nonce_at + _NONCE_BYTES
    prefix_at = wrapped_at + _WRAPPED_BYTES
    try:
        file_key = AESGCM(wrapping_key.reveal()).decrypt(
            header[nonce_at:wrapped_at], header[wrapped_at:prefix_at], _wrap_aad(path)
        )
    except InvalidTag:
        raise _refused(path) from None
    return Secret(file_key), header[prefix_at:]


def _wrap_aad(path: str) -> bytes:
    return _MAGIC + path.encode("utf-8")


def _nonce(prefix: bytes, number: int, *, last: bool) -> bytes:
    return prefix + struct.pack(">IB", number, last)


def _pieces(source: BinaryIO, size: int) -> Iterator[tuple[int, bytes, bool]]:
    """Yield (number, piece, whether it is the last); an empty source is one empty last piece.

    One piece is read ahead, because only the end of the file tells which one is the last.
    """
    piece = source.read(size)
    for number in range(_MAX_SEGMENTS):
        following = source.read(size)
        yield number, piece, not following
        if not following:
            return
        piece = following
    raise BundleRefused("a file is larger than 4 PiB")


def _refused(path: str) -> BundleRefused:
    return BundleRefused(f"{path}: does not open; it was changed or sealed under another key")
