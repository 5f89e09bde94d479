"""A segment of the access log: frames of records, sealed one by one under the segment's own key.

Each frame is AES-256-GCM with its number in the nonce and the segment's name beside it, so that a
frame which was changed, moved, left out, doubled or taken from another segment does not open. The
last frame says that it is the last.

    segment = "SGAL" 01 *frame
    frame   = sealed(kind, length of the records) [sealed(records)]

The length has a tag of its own: so a frame that ends with the file was torn by a crash, and one
whose length was changed is damaged. What was cut off between two frames leaves no trace but the
missing last frame.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from collections.abc import Sequence
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.core.access_log import AccessRecord, SegmentState, encode_records

SEGMENT_KEY_BYTES: Final = 32
_MAGIC: Final = b"SGAL\x01"
_HEAD: Final = struct.Struct(">BI")
_TAG_BYTES: Final = 16
_HEAD_BYTES: Final = _HEAD.size + _TAG_BYTES
_RECORDS, _END = 0, 1
_OF_HEAD, _OF_BODY = 0, 1  # the first byte of the nonce; the other eleven are the frame's number
_LABEL: Final = b"sealgate access log "


class SegmentDamaged(Exception):
    """A frame is not as it was written; *frame* is its number, from 0 on."""

    def __init__(self, frame: int) -> None:
        self.frame = frame
        super().__init__(f"frame {frame}")


class _Cipher:
    """Seals and opens the parts of frames. The nonce is never used twice: a number each."""

    def __init__(self, name: str, key: bytes) -> None:
        self._cipher = AESGCM(_subkey(key, b"frames"))
        self._name = _LABEL + name.encode("ascii")
        self.frame = 0

    def seal(self, part: int, data: bytes) -> bytes:
        return self._cipher.encrypt(self._nonce(part), data, self._name)

    def open(self, part: int, sealed: bytes) -> bytes:
        try:
            return self._cipher.decrypt(self._nonce(part), sealed, self._name)
        except InvalidTag:
            raise SegmentDamaged(self.frame) from None

    def _nonce(self, part: int) -> bytes:
        return bytes([part]) + self.frame.to_bytes(11)


class SegmentSealer:
    """Makes the bytes of the segment *name*, to be written one after the other.

    A segment is made by one sealer from its beginning to its end, never taken up again: that would
    use a nonce twice.
    """

    def __init__(self, name: str, key: bytes) -> None:
        self._cipher = _Cipher(name, key)
        self._begin = _MAGIC

    def feed(self, records: Sequence[AccessRecord]) -> bytes:
        """Return the next frame, with all of *records*."""
        body = encode_records(records)
        head = self._cipher.seal(_OF_HEAD, _HEAD.pack(_RECORDS, len(body)))
        return self._next(head + self._cipher.seal(_OF_BODY, body))

    def finish(self) -> bytes:
        """Return the last frame, which has no records."""
        return self._next(self._cipher.seal(_OF_HEAD, _HEAD.pack(_END, 0)))

    def _next(self, frame: bytes) -> bytes:
        begin, self._begin = self._begin, b""
        self._cipher.frame += 1
        return begin + frame


class SegmentOpener:
    """Opens the segment *name*, whose bytes may arrive in any pieces.

    *frame* is the number of the frame that is read next.
    """

    def __init__(self, name: str, key: bytes) -> None:
        self._cipher = _Cipher(name, key)
        self._waiting = bytearray()
        self._has_begun = self._has_ended = False
        self._body_bytes: int | None = None

    @property
    def frame(self) -> int:
        """The number of the frame that is read next."""
        return self._cipher.frame

    def feed(self, data: bytes) -> list[bytes]:
        """Return the records of the frames that are whole now, as ``parse_records`` takes them.

        Raises :class:`SegmentDamaged` for the first frame that is not as it was written.
        """
        self._waiting += data
        frames: list[bytes] = []
        while (part := self._take()) is not None:
            if part:
                frames.append(part)
        return frames

    def finish(self) -> SegmentState:
        """Return whether the segment is whole, unfinished or torn: no more bytes will come."""
        if self._has_ended:
            return SegmentState.WHOLE
        is_within = self._waiting or self._body_bytes is not None
        return SegmentState.TORN if is_within else SegmentState.UNFINISHED

    def _take(self) -> bytes | None:
        """Return the records of the next part, empty for one without; None when it is not whole."""
        if not self._has_begun:
            return self._take_begin()
        if self._has_ended:
            if self._waiting:
                raise SegmentDamaged(self.frame)
            return None
        return self._take_head() if self._body_bytes is None else self._take_body(self._body_bytes)

    def _take_begin(self) -> bytes | None:
        if bytes(self._waiting[: len(_MAGIC)]) != _MAGIC[: len(self._waiting)]:
            raise SegmentDamaged(0)
        begin = self._cut(len(_MAGIC))
        self._has_begun = begin is not None
        return None if begin is None else b""

    def _take_head(self) -> bytes | None:
        sealed = self._cut(_HEAD_BYTES)
        if sealed is None:
            return None
        kind, length = _HEAD.unpack(self._cipher.open(_OF_HEAD, sealed))
        if kind == _END:
            self._has_ended = True
            self._cipher.frame += 1
        else:
            self._body_bytes = length + _TAG_BYTES
        return b""

    def _take_body(self, size: int) -> bytes | None:
        sealed = self._cut(size)
        if sealed is None:
            return None
        body = self._cipher.open(_OF_BODY, sealed)
        self._body_bytes = None
        self._cipher.frame += 1
        return body

    def _cut(self, size: int) -> bytes | None:
        if len(self._waiting) < size:
            return None
        part = bytes(self._waiting[:size])
        del self._waiting[:size]
        return part


def address_key(key: bytes) -> bytes:
    """Return the key of pseudonyms in the segment of *key*, which is gone when that one is."""
    return _subkey(key, b"addresses")


def _subkey(key: bytes, use: bytes) -> bytes:
    return hmac.digest(key, _LABEL + use, hashlib.sha256)
