"""Chunk framing, with a toy cipher so that only the framing is under test."""

import pytest

from gateway.core.errors import OpenFailed, PayloadTooLarge
from gateway.core.ohttp_chunks import ChunkReader, ChunkWriter
from gateway.core.varint import encode_varint

TAG = b"T" * 16


def toy_open(ciphertext, *, aad):
    """Strip a constant tag; the final chunk has another."""
    if not ciphertext.endswith(TAG if not aad else TAG.lower()):
        raise OpenFailed
    return bytes(ciphertext[:-16])


def toy_seal(plaintext, *, aad=b""):
    """Append the tag that :func:`toy_open` wants."""
    return plaintext + (TAG if not aad else TAG.lower())


def reader(**limits):
    """Return a reader whose messages start with one prefix byte."""

    def read_prefix(buffer):
        if not buffer:
            return None
        del buffer[:1]
        return toy_open

    return ChunkReader(read_prefix, **{"max_chunk_bytes": 4, "max_total_bytes": 9, **limits})


def writer(size=4):
    """Return the writer that matches :func:`reader`."""
    return ChunkWriter(toy_seal, prefix=b"P", max_chunk_bytes=size)


def test_one_piece_is_one_chunk():
    """A piece leaves at once as one chunk; the first carries the prefix."""
    out = writer()
    assert out.feed(b"") == b""
    assert out.feed(b"ab") == b"P" + bytes([18]) + b"ab" + TAG
    assert out.feed(b"c") == bytes([17]) + b"c" + TAG
    assert out.finish() == b"\x00" + TAG.lower()


def test_long_piece_is_cut():
    """A piece above the limit becomes chunks of the limit, the last of them final."""
    assert writer().feed(b"abcdef") == b"P\x14abcd" + TAG + b"\x12ef" + TAG
    assert writer().finish(b"abcdef") == b"P\x14abcd" + TAG + b"\x00ef" + TAG.lower()
    assert writer().finish(b"abcd") == b"P\x00abcd" + TAG.lower()
    assert writer().finish() == b"P\x00" + TAG.lower()


def test_finished_writer_refuses():
    """A finished message takes nothing more, not even a second end."""
    out = writer()
    out.finish()
    with pytest.raises(RuntimeError):
        out.feed(b"x")
    with pytest.raises(RuntimeError):
        out.finish()
    with pytest.raises(ValueError, match="at least one"):
        writer(0)


def test_reader_gives_plaintext_as_chunks_complete():
    """Plaintext comes out with the last byte of its chunk."""
    wire = b"P\x12ab" + TAG
    source = reader()
    assert source.feed(wire[:-1]) == b""
    assert source.feed(wire[-1:]) == b"ab"
    assert source.feed(b"\x00" + TAG.lower()) == b""
    assert source.finish() == b""


@pytest.mark.parametrize(
    "wire",
    [
        b"",
        b"P",
        b"P\x12ab" + TAG,
        b"P\x12ab" + TAG[:-1],
        b"P\x00",
        b"P\x00" + TAG[1:].lower(),
        b"P\x00" + TAG,
        b"P\x00" + TAG.lower() + b"x",
        b"P\x10" + TAG + b"\x00" + TAG.lower(),
        b"P\x01a\x00" + TAG.lower(),
        b"P\x12ab" + TAG.lower() + b"\x00" + TAG.lower(),
    ],
)
def test_incomplete_or_wrong_framing(wire):
    """A missing, short, false or followed final chunk and an empty chunk before it are refused."""
    with pytest.raises(OpenFailed):
        reader().finish(wire)


def test_sizes():
    """A chunk or a message above its limit is refused before its bytes have arrived."""
    assert reader().finish(b"P\x14abcd\x14"[:6] + TAG + b"\x14abcd" + TAG + b"\x00e" + TAG.lower())
    for wire in (
        b"P" + encode_varint(21),
        b"P" + encode_varint(1 << 60),
        b"P\x14abcd" + TAG + b"\x14abcd" + TAG + b"\x12",
        b"P\x00abcde" + TAG.lower(),
    ):
        with pytest.raises(PayloadTooLarge):
            reader().feed(wire)
    assert reader(max_total_bytes=None).finish((b"P\x14abcd" + TAG) + b"\x00" + TAG.lower())


def test_no_way_back_after_an_error():
    """After an error and after the end every call is refused."""
    source = reader()
    with pytest.raises(PayloadTooLarge):
        source.feed(b"P\x3f")
    with pytest.raises(OpenFailed):
        source.feed(b"")
    source = reader()
    source.finish(b"P\x00" + TAG.lower())
    with pytest.raises(OpenFailed):
        source.finish()


@pytest.mark.parametrize("size", [1, 3])
def test_tiny_chunks_have_a_limit(size):
    """A request of tiny chunks is refused after a thousand; an answer may be of tokens."""
    chunk = bytes((size + 16,)) + b"a" * size + TAG
    few, many = b"P" + chunk * 1_024, b"P" + chunk * 1_040
    assert len(reader(max_total_bytes=10_000).feed(few)) == 1_024 * size
    with pytest.raises(PayloadTooLarge):
        reader(max_total_bytes=10_000).feed(many)
    assert len(reader(max_total_bytes=None).feed(many)) == 1_040 * size
