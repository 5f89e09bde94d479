"""Field rules that both directions share."""

import pytest

from gateway.core.bhttp_fields import (
    HOP_BY_HOP_FIELDS,
    SINGLE_FIELDS,
    FieldLimits,
    FieldReader,
    Incomplete,
    check_content_length,
    check_fields,
    check_padding,
    check_trailers,
    encode_content_chunk,
    encode_end,
    encode_fields,
    parse_indeterminate_length_fields,
    parse_known_length_fields,
)
from gateway.core.errors import MalformedRequest
from gateway.core.varint import encode_varint

FIELDS = ((b"accept", b"text/event-stream"), (b"x-empty", b""), (b"x-octets", b"\xe4\t\xf6"))


def known(encoded: bytes) -> bytes:
    """Return a section in the known-length form."""
    return encode_varint(len(encoded)) + encoded


def test_both_forms():
    """A section is read back from either form."""
    encoded = encode_fields(FIELDS)
    limits = FieldLimits()
    assert parse_known_length_fields(FieldReader(known(encoded)), limits=limits) == FIELDS
    reader = FieldReader(encoded + b"\x00")
    assert parse_indeterminate_length_fields(reader, limits=limits) == FIELDS
    check_fields(FIELDS)
    check_trailers(FIELDS)


@pytest.mark.parametrize("count", [3, 4])
def test_count_limit(count):
    """One field line more than the limit is refused in both forms."""
    encoded = encode_fields(((b"a", b""),) * count)
    limits = FieldLimits(max_count=3)
    for parse, data in (
        (parse_known_length_fields, known(encoded)),
        (parse_indeterminate_length_fields, encoded + b"\x00"),
    ):
        if count == 3:
            assert len(parse(FieldReader(data), limits=limits)) == 3
        else:
            with pytest.raises(MalformedRequest):
                parse(FieldReader(data), limits=limits)


@pytest.mark.parametrize(
    "fields", [((b"a", b"12345678"),), ((b"aaaaaaaaa", b""),), ((b"a", b"1234"),) * 2]
)
def test_size_limit(fields):
    """Names and values above the limit are refused in both forms."""
    encoded = encode_fields(fields)
    for parse, data in (
        (parse_known_length_fields, known(encoded)),
        (parse_indeterminate_length_fields, encoded + b"\x00"),
    ):
        with pytest.raises(MalformedRequest):
            parse(FieldReader(data), limits=FieldLimits(max_bytes=8))


def test_section_with_a_wrong_length():
    """A field that reaches over the end of its section is refused."""
    encoded = encode_fields(FIELDS)
    whole_lines = {len(encode_fields(FIELDS[:count])) for count in range(len(FIELDS))}
    for cut in set(range(len(encoded))) - whole_lines:
        data = known(encoded[:cut]) + b"x" * 64
        with pytest.raises(MalformedRequest):
            parse_known_length_fields(FieldReader(data), limits=FieldLimits())


def test_reader_needs_more():
    """Reading over the end of the buffer is told apart from a wrong message."""
    with pytest.raises(Incomplete):
        FieldReader(b"").read_integer()
    with pytest.raises(Incomplete):
        FieldReader(b"ab").read_bytes(3)
    with pytest.raises(Incomplete):
        FieldReader(b"").read_some(1)
    reader = FieldReader(b"abc")
    assert (reader.read_some(2), reader.read_some(9), reader.is_at_end) == (b"ab", b"c", True)
    assert reader.read_rest() == b""


BAD = [
    (b"", b"x"),
    (b"Accept", b"x"),
    (b":path", b"/admin"),
    (b"a b", b"x"),
    (b"a:b", b"x"),
    (b"a\x00", b"x"),
    (b"a\n", b"x"),
    (b"\xe4", b"x"),
    (b"a", b"x\r\ny: z"),
    (b"a", b"x\ny"),
    (b"a", b"x\r"),
    (b"a", b"x\x00"),
    (b"a", b"x\x7f"),
    (b"a", b" x"),
    (b"a", b"x\t"),
    *((name, b"x") for name in sorted(HOP_BY_HOP_FIELDS)),
]


@pytest.mark.parametrize("field", BAD)
def test_unsafe_field(field):
    """A name or a value that parsers read differently is refused, and not repeated in the error."""
    for check in (check_fields, check_trailers):
        with pytest.raises(MalformedRequest) as caught:
            check((field,))
        assert "admin" not in str(caught.value)


@pytest.mark.parametrize("name", sorted(SINGLE_FIELDS))
def test_repeated_single_field(name):
    """A second authorization (or host, date …) is refused, even with the same value."""
    check_fields(((name, b"1"),))
    with pytest.raises(MalformedRequest):
        check_fields(((name, b"1"), (b"x", b""), (name, b"1")))
    with pytest.raises(MalformedRequest):
        check_trailers(((name, b"1"),))


@pytest.mark.parametrize("value", [b"4", b"+5", b"5, 5", b"0x5", b"", b"5 ", b"9" * 19])
def test_content_length(value):
    """A content-length that is no plain number or another number is refused."""
    check_content_length(((b"content-length", b"5"), (b"a", b"b")), content_bytes=5)
    with pytest.raises(MalformedRequest):
        check_content_length(((b"content-length", value),), content_bytes=5)


def test_padding():
    """Only zeros may follow a message."""
    check_padding(b"")
    check_padding(bytes(9))
    with pytest.raises(MalformedRequest):
        check_padding(bytes(9) + b"\x01")


def test_parts_of_streamed_content():
    """No data is no chunk, since an empty one would be the end; the end holds the trailers."""
    assert encode_content_chunk(b"") == b""
    assert encode_content_chunk(b"ab") == b"\x02ab"
    assert encode_end(((b"a", b"b"),), padding_bytes=2) == b"\x00\x01a\x01b\x00\x00\x00"
    with pytest.raises(MalformedRequest):
        encode_end(((b"host", b"b"),), padding_bytes=0)
