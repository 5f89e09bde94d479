"""Messages in one piece, without any cryptography, and the choice between both framings."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import OpenFailed, PayloadTooLarge
from gateway.core.ohttp_chunks import ChunkReader, ChunkWriter
from gateway.core.ohttp_framing import MAX_WHOLE_BYTES, Framing, WholeReader, WholeWriter

TAG = b"t" * 16


def seal(plaintext, *, aad=b""):
    """Stand for a cipher that only adds a tag."""
    assert aad == b""
    return plaintext + TAG


def opened(ciphertext, *, aad):
    """Stand for the inverse."""
    assert aad == b""
    if not ciphertext.endswith(TAG):
        raise OpenFailed
    return bytes(ciphertext[:-16])


def read_prefix(buffer):
    """Take two bytes off as the prefix."""
    if len(buffer) < 2:
        return None
    del buffer[:2]
    return opened


def reader(limit: int = 100) -> WholeReader:
    """Return a reader with a two-byte prefix."""
    return WholeReader(read_prefix, max_total_bytes=limit)


def writer(limit: int = 100) -> WholeWriter:
    """Return a writer with a two-byte prefix."""
    return WholeWriter(seal, prefix=b"pp", max_total_bytes=limit)


@given(st.lists(st.binary(max_size=20), max_size=4), st.integers(1, 9))
def test_round_trip(pieces, size):
    """A message is read as it was written, for every way of cutting both."""
    whole = writer()
    assert all(whole.feed(piece) == b"" for piece in pieces)
    wire = whole.finish(b"end")
    assert wire == b"pp" + b"".join(pieces) + b"end" + TAG
    incoming = reader()
    assert all(incoming.feed(wire[at : at + size]) == b"" for at in range(0, len(wire), size))
    assert incoming.finish() == b"".join(pieces) + b"end"


def test_limit_of_the_reader():
    """A message at the limit is read; one byte more is refused as soon as it is there."""
    assert reader(5).finish(b"pp" + b"12345" + TAG) == b"12345"
    incoming = reader(5)
    incoming.feed(b"pp" + b"12345" + TAG)
    with pytest.raises(PayloadTooLarge):
        incoming.feed(b"x")
    with pytest.raises(OpenFailed):
        incoming.feed(b"")


def test_limit_of_the_writer():
    """A message at the limit is written, one byte more is refused."""
    assert writer(5).finish(b"12345") == b"pp12345" + TAG
    outgoing = writer(5)
    outgoing.feed(b"1234")
    with pytest.raises(PayloadTooLarge):
        outgoing.finish(b"56")


@pytest.mark.parametrize("data", [b"", b"p", b"pp", b"pp" + TAG[1:], b"pp" + TAG + b"x"])
def test_incomplete_or_damaged(data):
    """A message without its prefix or tag, or with something behind it, does not open."""
    with pytest.raises(OpenFailed):
        reader().finish(data)


def test_finished():
    """After the end a reader opens nothing and a writer seals nothing."""
    incoming, outgoing = reader(), writer()
    incoming.finish(outgoing.finish())
    with pytest.raises(OpenFailed):
        incoming.feed(b"")
    with pytest.raises(RuntimeError):
        outgoing.feed(b"")
    with pytest.raises(RuntimeError):
        outgoing.finish()


def test_choice():
    """A variant gets the framing that it asks for, and one piece is never without a limit."""
    chunked = Framing(is_chunked=True, max_chunk_bytes=9)
    whole = Framing(is_chunked=False, max_chunk_bytes=9)
    assert isinstance(chunked.reader(read_prefix), ChunkReader)
    assert isinstance(chunked.writer(seal, prefix=b""), ChunkWriter)
    assert isinstance(whole.reader(read_prefix), WholeReader)
    assert isinstance(whole.writer(seal, prefix=b""), WholeWriter)
    with pytest.raises(PayloadTooLarge):
        whole.writer(seal, prefix=b"").feed(bytes(MAX_WHOLE_BYTES + 1))
    with pytest.raises(PayloadTooLarge):
        replace(whole, max_total_bytes=5).reader(read_prefix).feed(b"pp" + bytes(22))
