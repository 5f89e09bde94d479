"""Streaming authenticated encryption of one file."""

from __future__ import annotations

import hashlib
import io
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.secret import Secret
from serving.errors import BundleRefused
from serving.sealed_file import SEGMENT_BYTES, open_stream, rewrap_stream, seal_stream

KEY = Secret(b"k" * 32)
HEADER_BYTES = 8 + 12 + 48 + 7
SEALED_SEGMENT = SEGMENT_BYTES + 16
THREE_SEGMENTS = os.urandom(2 * SEGMENT_BYTES + 5)


def _seal(content: bytes, *, path: str = "model.safetensors", key: Secret[bytes] = KEY) -> bytes:
    target = io.BytesIO()
    seal_stream(io.BytesIO(content), target, path=path, wrapping_key=key)
    return target.getvalue()


def _open(sealed: bytes, *, path: str = "model.safetensors", key: Secret[bytes] = KEY) -> bytes:
    target = io.BytesIO()
    open_stream(io.BytesIO(sealed), target, path=path, wrapping_key=key)
    return target.getvalue()


def _segments(sealed: bytes) -> list[bytes]:
    body = sealed[HEADER_BYTES:]
    return [body[at : at + SEALED_SEGMENT] for at in range(0, len(body), SEALED_SEGMENT)]


@given(st.binary(max_size=4096))
def test_what_is_opened_is_what_was_sealed(content):
    """Sealing and opening gives any content back."""
    assert _open(_seal(content)) == content


@settings(max_examples=8, deadline=None)
@given(st.integers(min_value=-1, max_value=1), st.integers(min_value=0, max_value=2))
def test_lengths_around_a_segment_border_survive(offset, segments):
    """A file that ends just before, at or after a segment border comes back whole."""
    content = bytes(max(0, segments * SEGMENT_BYTES + offset))
    assert _open(_seal(content)) == content


@given(st.binary(max_size=200), st.data())
def test_one_flipped_bit_is_refused(content, data):
    """Whichever bit of a sealed file is flipped, header included, it does not open."""
    sealed = bytearray(_seal(content))
    bit = data.draw(st.integers(min_value=0, max_value=8 * len(sealed) - 1))
    sealed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(BundleRefused):
        _open(bytes(sealed))


@given(st.binary(max_size=200), st.data())
def test_a_cut_end_is_refused(content, data):
    """However many bytes are missing at the end, the file does not open."""
    sealed = _seal(content)
    with pytest.raises(BundleRefused):
        _open(sealed[: data.draw(st.integers(min_value=0, max_value=len(sealed) - 1))])


def test_a_cut_at_a_segment_border_is_refused():
    """A file that ends with a whole segment, but not the last, does not open."""
    sealed = _seal(THREE_SEGMENTS)
    with pytest.raises(BundleRefused):
        _open(sealed[: HEADER_BYTES + 2 * SEALED_SEGMENT])


def test_swapped_segments_are_refused():
    """Segments open only in the order in which they were sealed."""
    sealed = _seal(THREE_SEGMENTS)
    first, second, last = _segments(sealed)
    with pytest.raises(BundleRefused):
        _open(sealed[:HEADER_BYTES] + second + first + last)


def test_an_added_segment_is_refused():
    """Nothing can follow the last segment."""
    sealed = _seal(THREE_SEGMENTS)
    with pytest.raises(BundleRefused):
        _open(sealed + _segments(sealed)[-1])


def test_a_segment_of_another_file_is_refused():
    """A segment sealed under the same wrapping key, path and number does not fit another file."""
    one, other = _seal(THREE_SEGMENTS), _seal(THREE_SEGMENTS)
    _, second, last = _segments(one)
    with pytest.raises(BundleRefused):
        _open(one[:HEADER_BYTES] + _segments(other)[0] + second + last)


def test_a_foreign_key_is_refused():
    """Another wrapping key opens nothing."""
    with pytest.raises(BundleRefused):
        _open(_seal(b"weights"), key=Secret(b"x" * 32))


def test_another_path_is_refused():
    """A sealed file cannot take the place of another one."""
    with pytest.raises(BundleRefused):
        _open(_seal(b"weights", path="a.json"), path="b.json")


def test_every_refusal_reads_the_same():
    """The error does not tell which check failed."""
    sealed = _seal(b"weights")
    texts = set()
    for attempt in (b"", sealed[:-1], b"\x00" * len(sealed), sealed[:HEADER_BYTES]):
        with pytest.raises(BundleRefused) as refusal:
            _open(attempt)
        texts.add(str(refusal.value))
    assert len(texts) == 1


def test_the_digests_are_those_of_both_forms():
    """Sealing and opening report the same size and digests, and they are right."""
    sealed = io.BytesIO()
    digests = seal_stream(io.BytesIO(b"abc"), sealed, path="a.json", wrapping_key=KEY)
    assert digests.size == 3
    assert digests.plaintext_sha256 == hashlib.sha256(b"abc").hexdigest()
    assert digests.ciphertext_sha256 == hashlib.sha256(sealed.getvalue()).hexdigest()
    sealed.seek(0)
    assert open_stream(sealed, io.BytesIO(), path="a.json", wrapping_key=KEY) == digests


def test_the_same_content_is_never_sealed_the_same_way():
    """Two sealed copies share neither key nor nonce, so nothing shows that they are equal."""
    assert _segments(_seal(b"weights")) != _segments(_seal(b"weights"))


def test_rewrapping_changes_the_key_and_nothing_else():
    """After rewrapping, the new key opens the same content and the old key nothing."""
    source, target, new_key = io.BytesIO(_seal(THREE_SEGMENTS)), io.BytesIO(), Secret(b"n" * 32)
    digest = rewrap_stream(
        source,
        target,
        path="model.safetensors",
        old_wrapping_key=KEY,
        new_wrapping_key=new_key,
    )
    assert digest == hashlib.sha256(target.getvalue()).hexdigest()
    assert _open(target.getvalue(), key=new_key) == THREE_SEGMENTS
    with pytest.raises(BundleRefused):
        _open(target.getvalue())
