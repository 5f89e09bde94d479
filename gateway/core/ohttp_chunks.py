"""Chunk framing of chunked Oblivious HTTP (draft-ietf-ohai-chunked-ohttp-08 §3), without any keys.

A chunk that is not the last is a length and that many sealed bytes; the last is a zero and all the
bytes that follow, sealed with ``final`` as associated data. The lengths themselves are not
authenticated, and need not be: order sits in the nonce and finality in the associated data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, Protocol

from gateway.core.errors import OpenFailed, PayloadTooLarge
from gateway.core.hpke import TAG_BYTES
from gateway.core.varint import encode_varint, find_varint

MAX_CHUNK_BYTES: Final = 16384
"""Plaintext of one chunk: what every receiver has to accept (draft §3)."""

# Opening a chunk costs about two microseconds, whatever is in it, before anybody is known. Where
# the total is bounded, so is the number of chunks: tiny ones are there to keep the reader busy.
_FREE_CHUNKS: Final = 1024
_MIN_MEAN_CHUNK_BYTES: Final = 1024

_FINAL_AAD: Final = b"final"
_FINAL_MARK: Final = b"\x00"


class OpenChunk(Protocol):
    """Open the next chunk of a message or raise ``OpenFailed``."""

    def __call__(self, ciphertext: bytearray, *, aad: bytes) -> bytes:
        """Return the plaintext."""


class SealChunk(Protocol):
    """Seal the next chunk of a message."""

    def __call__(self, plaintext: bytes, *, aad: bytes = b"") -> bytes:
        """Return the ciphertext."""


ReadPrefix = Callable[[bytearray], OpenChunk | None]
"""Takes what precedes the chunks off the buffer; None while that has not all arrived."""


class ChunkReader:
    """Turn the bytes of a chunked message into verified plaintext.

    *read_prefix* consumes what precedes the chunks and returns the function that opens them. After
    any error the object is spent and every later call raises ``OpenFailed``.
    """

    def __init__(
        self,
        read_prefix: ReadPrefix,
        *,
        max_chunk_bytes: int,
        max_total_bytes: int | None = None,
    ) -> None:
        self._read_prefix: ReadPrefix | None = read_prefix
        self._max_chunk_bytes = max_chunk_bytes
        self._max_total_bytes = max_total_bytes
        self._open_chunk: OpenChunk | None = None
        self._buffer = bytearray()
        self._total_bytes = 0
        self._chunks = 0
        self._is_final = False
        self._is_spent = False

    def feed(self, data: bytes) -> bytes:
        """Accept the next wire bytes; return the plaintext of the chunks that are now complete.

        Raises ``OpenFailed``, ``PayloadTooLarge``, or what *read_prefix* raises.
        """
        if self._is_spent:
            raise OpenFailed
        # Spent until proven otherwise: no error path can leave an object that goes on working.
        self._is_spent = True
        self._buffer += data
        opened = b""
        if self._read_prefix is not None:
            self._open_chunk = self._read_prefix(self._buffer)
        if self._open_chunk is not None:
            self._read_prefix = None  # a method of who holds this object: they would be a cycle
            opened = b"".join(self._open_complete(self._open_chunk))
        self._is_spent = False
        return opened

    def finish(self, data: bytes = b"") -> bytes:
        """Return the rest of the plaintext once the last wire bytes are in.

        Raises ``OpenFailed`` when the final chunk is missing, damaged or followed by anything.
        """
        opened = self.feed(data)
        self._is_spent = True
        open_chunk, self._open_chunk = self._open_chunk, None  # the keys are dropped with this call
        if open_chunk is None or not self._is_final:
            raise OpenFailed
        if len(self._buffer) < TAG_BYTES:
            raise OpenFailed
        return opened + open_chunk(self._buffer, aad=_FINAL_AAD)

    def _open_complete(self, open_chunk: OpenChunk) -> Iterator[bytes]:
        while not self._is_final and (found := find_varint(self._buffer)) is not None:
            length, start = found
            if length == 0:
                del self._buffer[:start]
                self._is_final = True
                break
            # Before its bytes are here: a length alone must not make the buffer grow.
            self._check_size(length)
            if length <= TAG_BYTES:  # an empty chunk that is not the last: free work for a sender
                raise OpenFailed
            end = start + length
            if len(self._buffer) < end:
                return
            plaintext = open_chunk(self._buffer[start:end], aad=b"")
            self._total_bytes += len(plaintext)
            self._count_chunk()
            del self._buffer[:end]
            yield plaintext
        if self._is_final:
            self._check_size(len(self._buffer))

    def _count_chunk(self) -> None:
        self._chunks += 1
        least = (self._chunks - _FREE_CHUNKS) * _MIN_MEAN_CHUNK_BYTES
        if self._max_total_bytes is not None and self._total_bytes < least:
            raise PayloadTooLarge("The request comes in chunks that are too small.")

    def _check_size(self, sealed_bytes: int) -> None:
        plaintext_bytes = sealed_bytes - TAG_BYTES
        if plaintext_bytes > self._max_chunk_bytes:
            raise PayloadTooLarge("A chunk is larger than this gateway accepts.")
        limit = self._max_total_bytes
        if limit is not None and self._total_bytes + plaintext_bytes > limit:
            raise PayloadTooLarge


class ChunkWriter:
    """Turn plaintext into the bytes of a chunked message, with *prefix* before the first chunk.

    One ``feed`` gives one chunk, or several when *data* is longer than *max_chunk_bytes*; nothing
    is held back. Calling a finished writer is a bug and raises ``RuntimeError``.
    """

    def __init__(self, seal_chunk: SealChunk, *, prefix: bytes, max_chunk_bytes: int) -> None:
        if max_chunk_bytes < 1:
            raise ValueError("a chunk holds at least one byte")
        self._seal_chunk = seal_chunk
        self._prefix = prefix
        self._max_chunk_bytes = max_chunk_bytes

    def feed(self, data: bytes) -> bytes:
        """Return *data* sealed; no bytes for no *data*, since empty chunks are not allowed."""
        seal_chunk = self._seal_chunk
        if not data:
            return b""
        prefix, self._prefix = self._prefix, b""
        if len(data) <= self._max_chunk_bytes:
            sealed = seal_chunk(data)
            return prefix + encode_varint(len(sealed)) + sealed
        size = self._max_chunk_bytes
        chunks = [prefix]
        for start in range(0, len(data), size):
            sealed = seal_chunk(data[start : start + size])
            chunks += (encode_varint(len(sealed)), sealed)
        return b"".join(chunks)

    def finish(self, data: bytes = b"") -> bytes:
        """Return *data* and the end of the message sealed. The keys are dropped with this call."""
        start = max(0, len(data) - 1) // self._max_chunk_bytes * self._max_chunk_bytes
        fed = self.feed(data[:start])
        sealed = self._seal_chunk(data[start:], aad=_FINAL_AAD)
        prefix, self._prefix = self._prefix, b""
        self._seal_chunk = _refuse_to_seal
        return fed + prefix + _FINAL_MARK + sealed


def _refuse_to_seal(plaintext: bytes, *, aad: bytes = b"") -> bytes:  # noqa: ARG001  # SealChunk
    raise RuntimeError("the message is finished")
