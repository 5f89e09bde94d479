"""Variable-length integers and what is built of them: field sections and key configurations."""

from __future__ import annotations

import contextlib

from gateway.core.bhttp_fields import (
    FieldLimits,
    FieldReader,
    Incomplete,
    encode_fields,
    parse_indeterminate_length_fields,
    parse_known_length_fields,
)
from gateway.core.errors import MalformedRequest
from gateway.core.ohttp_keys import encode_key_list, parse_key_list
from gateway.core.varint import encode_varint, find_varint


def check(data: bytes) -> None:
    """An integer, a section or a list is read back from its shortest form, or is refused."""
    found = find_varint(data)
    if found is not None:
        value, end = found
        shortest = encode_varint(value)
        assert len(shortest) <= end <= len(data)
        assert find_varint(shortest) == (value, len(shortest))
    limits = FieldLimits(max_count=9, max_bytes=99)
    with contextlib.suppress(MalformedRequest, Incomplete):
        fields = parse_indeterminate_length_fields(FieldReader(data), limits=limits)
        encoded = encode_fields(fields)
        section = FieldReader(encode_varint(len(encoded)) + encoded)
        assert parse_known_length_fields(section, limits=limits) == fields
    with contextlib.suppress(MalformedRequest):
        configs = parse_key_list(data)
        assert parse_key_list(encode_key_list(configs)) == configs
