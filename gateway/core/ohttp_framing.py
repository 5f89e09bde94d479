"""Framing of both variants of Oblivious HTTP, without any keys: in one piece or in chunks.

In one piece (RFC 9458 §4.3, §4.4) the sealed part reaches to the end of the body. Nothing of it can
be read or sent before it is complete: both directions collect in memory, and so both have a limit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gateway.core.errors import OpenFailed, PayloadTooLarge
from gateway.core.hpke import TAG_BYTES
from gateway.core.ohttp_chunks import (
    ChunkReader,
    ChunkWriter,
    OpenChunk,
    ReadPrefix,
    SealChunk,
)

MAX_WHOLE_BYTES: Final = 16 * 1024 * 1024
"""Plaintext of one message where the caller sets no limit: more than any answer of a model."""


class WholeReader:
    """Collect the bytes of a message and open it at its end.

    *read_prefix* consumes what precedes the sealed part and returns the function that opens it.
    After any error the object is spent and every later call raises ``OpenFailed``.
    """

    def __init__(self, read_prefix: ReadPrefix, *, max_total_bytes: int) -> None:
        self._read_prefix: ReadPrefix | None = read_prefix
        self._max_sealed_bytes = max_total_bytes + TAG_BYTES
        self._open: OpenChunk | None = None
        self._buffer = bytearray()
        self._is_spent = False

    def feed(self, data: bytes) -> bytes:
        """Accept the next wire bytes; return nothing, since nothing is verified yet.

        Raises ``PayloadTooLarge``, ``OpenFailed`` after an earlier error, or what *read_prefix*
        raises.
        """
        if self._is_spent:
            raise OpenFailed
        self._is_spent = True  # until this call has succeeded
        self._buffer += data
        if self._read_prefix is not None:
            self._open = self._read_prefix(self._buffer)
        if self._open is not None:
            self._read_prefix = None  # a method of who holds this object: they would be a cycle
            if len(self._buffer) > self._max_sealed_bytes:
                raise PayloadTooLarge
        self._is_spent = False
        return b""

    def finish(self, data: bytes = b"") -> bytes:
        """Return the plaintext once the last wire bytes are in; ``OpenFailed`` if it is damaged."""
        self.feed(data)
        self._is_spent = True
        open_whole, self._open = self._open, None  # the keys are dropped with this call
        if open_whole is None or len(self._buffer) < TAG_BYTES:
            raise OpenFailed
        return open_whole(self._buffer, aad=b"")


class WholeWriter:
    """Collect plaintext and seal it at its end, with *prefix* before it.

    Raises ``PayloadTooLarge`` above *max_total_bytes*. Calling a finished writer is a bug and
    raises ``RuntimeError``.
    """

    def __init__(self, seal: SealChunk, *, prefix: bytes, max_total_bytes: int) -> None:
        self._seal: SealChunk | None = seal
        self._prefix = prefix
        self._max_total_bytes = max_total_bytes
        self._parts: list[bytes] = []
        self._total_bytes = 0

    def feed(self, data: bytes) -> bytes:
        """Keep *data*; return nothing, since the message is sealed in one piece."""
        if self._seal is None:
            raise RuntimeError("the message is finished")
        self._total_bytes += len(data)
        if self._total_bytes > self._max_total_bytes:
            raise PayloadTooLarge("The message is longer than one sealed piece may be.")
        self._parts.append(data)
        return b""

    def finish(self, data: bytes = b"") -> bytes:
        """Return the whole message sealed. The keys are dropped with this call."""
        self.feed(data)
        seal, self._seal = self._seal, None
        if seal is None:
            raise AssertionError("feed refuses a finished writer")
        return self._prefix + seal(b"".join(self._parts))


@dataclass(frozen=True, slots=True, kw_only=True)
class Framing:
    """One variant with its limits in bytes of plaintext: of a chunk and of the whole message.

    Without *max_total_bytes* chunks may go on for ever, one piece has ``MAX_WHOLE_BYTES``.
    """

    is_chunked: bool
    max_chunk_bytes: int
    max_total_bytes: int | None = None

    def reader(self, read_prefix: ReadPrefix) -> ChunkReader | WholeReader:
        """Return what turns wire bytes into plaintext."""
        if self.is_chunked:
            return ChunkReader(
                read_prefix,
                max_chunk_bytes=self.max_chunk_bytes,
                max_total_bytes=self.max_total_bytes,
            )
        return WholeReader(read_prefix, max_total_bytes=self._max_whole_bytes)

    def writer(self, seal: SealChunk, *, prefix: bytes) -> ChunkWriter | WholeWriter:
        """Return what turns plaintext into wire bytes; only one piece has a limit here."""
        if self.is_chunked:
            return ChunkWriter(seal, prefix=prefix, max_chunk_bytes=self.max_chunk_bytes)
        return WholeWriter(seal, prefix=prefix, max_total_bytes=self._max_whole_bytes)

    @property
    def _max_whole_bytes(self) -> int:
        return MAX_WHOLE_BYTES if self.max_total_bytes is None else self.max_total_bytes
