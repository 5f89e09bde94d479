"""Padding against an observer who counts the bytes of sealed messages.

Ciphertext is as long as plaintext, so the size of each streamed piece tells the length of its
tokens; from a series of them answers have been reconstructed (Weiss et al. 2024, "What Was Your
Prompt?") and topics recognised (Whisper Leak, arXiv 2511.03675). Buckets **reduce** that channel
and do **not remove** it: an event that needs the next bucket still shows, and number and timing of
the pieces stay visible. Only cells of one size at a constant rate would hide them. Never compress
what is padded.
"""

from __future__ import annotations

from typing import Final

REQUEST_BUCKET_BYTES: Final = 1024
"""A request of a few sentences is one of very few sizes; costs half a bucket on average."""

EVENT_BUCKET_BYTES: Final = 256
"""An event with one token is 150 to 250 bytes of JSON, so nearly all become equally long."""

_COMMENT_START: Final = b": "
_COMMENT_END: Final = b"\n\n"
_COMMENT_BYTES: Final = len(_COMMENT_START) + len(_COMMENT_END)
_FILLER: Final = b"0"  # a constant: whatever is in the answer, the filler says nothing about it


def pad_request_bytes(message: bytes, *, bucket_bytes: int = REQUEST_BUCKET_BYTES) -> bytes:
    """Return an encoded Binary HTTP message with zeros up to a multiple of the bucket.

    Every reader drops them (RFC 9292 §3.8); 1 turns padding off. The rule of *pad_to_bytes* in
    ``encode_request`` and ``encode_response``, for a message that was encoded by parts. Raises
    ``ValueError`` for a bucket below one byte.
    """
    return message + bytes(_missing(len(message), bucket_bytes))


def pad_events(data: bytes, *, bucket_bytes: int = EVENT_BUCKET_BYTES) -> bytes:
    """Return complete events, followed by a comment that fills the bucket.

    Comments are lines that start with a colon; readers ignore them, and the blank line after one
    that stands alone dispatches nothing (WHATWG HTML §9.2.6). *data* must not set the ``id`` of an
    event, which some libraries would dispatch a second time. Nothing is added to what is empty or
    already fills its bucket; 1 turns padding off.

    Raises ``ValueError`` for a bucket below one byte, and for *data* that stops inside an event: a
    comment there would become part of it.
    """
    missing = _missing(len(data), bucket_bytes)
    if not missing:
        return data
    if not data.endswith(b"\n\n"):
        raise ValueError("only complete events can be padded")
    if missing < _COMMENT_BYTES:  # too little room for a comment: whole buckets more, until it fits
        missing += -(-(_COMMENT_BYTES - missing) // bucket_bytes) * bucket_bytes
    filler = _FILLER * (missing - _COMMENT_BYTES)
    return b"".join((data, _COMMENT_START, filler, _COMMENT_END))


def _missing(length: int, bucket_bytes: int) -> int:
    if bucket_bytes < 1:
        raise ValueError("a bucket holds at least one byte")
    return -length % bucket_bytes
