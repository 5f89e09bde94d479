"""Variable-length integers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.varint import MAX_VARINT, encode_varint, find_varint


@pytest.mark.parametrize(
    ("encoded", "value"),
    [
        ("c2197c5eff14e88c", 151288809941952652),
        ("9d7f3e7d", 494878333),
        ("7bbd", 15293),
        ("25", 37),
    ],
)
def test_examples_of_rfc_9000(encoded, value):
    """The samples of RFC 9000 Appendix A.1 are read and written as printed."""
    assert find_varint(bytes.fromhex(encoded)) == (value, len(encoded) // 2)
    assert encode_varint(value).hex() == encoded


def test_longer_encoding_is_read():
    """A two-byte encoding of 37 is read, since RFC 9292 does not ask for the shortest."""
    assert find_varint(b"\x40\x25") == (37, 2)


@given(st.integers(0, MAX_VARINT), st.binary(max_size=3), st.binary(max_size=3))
def test_round_trip_anywhere_in_a_buffer(value, before, after):
    """What is written is read back at any offset, and every shorter cut is incomplete."""
    encoded = encode_varint(value)
    buffer = before + encoded + after
    assert find_varint(buffer, len(before)) == (value, len(before) + len(encoded))
    for cut in range(len(encoded)):
        assert find_varint(encoded[:cut]) is None


@pytest.mark.parametrize("value", [-1, MAX_VARINT + 1])
def test_out_of_range(value):
    """A number that does not fit is refused when written."""
    with pytest.raises(ValueError, match="does not fit"):
        encode_varint(value)
