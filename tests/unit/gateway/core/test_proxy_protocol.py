"""The PROXY protocol: one header, in whatever pieces, and not a byte of what follows."""

from __future__ import annotations

import struct
from ipaddress import ip_address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.core.errors import MalformedRequest
from gateway.core.identity import unmapped
from gateway.core.proxy_protocol import (
    MAX_V1_BYTES,
    MAX_V2_BYTES,
    ProxyHeader,
    ProxyHeaderParser,
)
from tests.fakes.proxy_headers import LOCAL, V2_START, v1, v2, v2_raw

CLIENT = ip_address("203.0.113.7")
CLIENT6 = ip_address("2001:db8::7")
EMPTY4 = bytes(12)


def read(data: bytes, *, piece: int = 10_000) -> tuple[ProxyHeader | None, int]:
    """Feed *data* as a connection would; return the header and how much was taken for it."""
    parser, taken, header = ProxyHeaderParser(), 0, None
    while header is None and taken < len(data):
        part = data[taken : taken + min(piece, parser.wanted_bytes)]
        assert part
        header = parser.feed(part)
        taken += len(part)
    return header, taken


def refused(data: bytes) -> int:
    """Expect that *data* is refused, however it is cut; return after how many bytes at most."""
    taken = 0
    for piece in (10_000, 7, 1):
        parser, taken, is_refused = ProxyHeaderParser(), 0, False
        while taken < len(data) and not is_refused:
            part = data[taken : taken + min(piece, parser.wanted_bytes)]
            taken += len(part)
            try:
                assert parser.feed(part) is None
            except MalformedRequest:
                is_refused = True
        assert is_refused
    return taken


@pytest.mark.parametrize("client", [CLIENT, CLIENT6, ip_address("0.0.0.0"), ip_address("::")])
@pytest.mark.parametrize("port", [0, 1, 443, 65_535])
@pytest.mark.parametrize("write", [v1, v2])
@pytest.mark.parametrize("piece", [1, 2, 5, 16, 10_000])
def test_header_is_read_however_it_is_cut(write, client, port, piece):
    """Both versions and families give the client's address and port, and leave what follows."""
    data = write(client, port)
    for follows in (b"", b"\x16\x03\x01", b"\r\n", V2_START):
        assert read(data + follows, piece=piece) == (ProxyHeader((client, port)), len(data))


@given(st.ip_addresses(), st.integers(0, 65_535), st.binary(max_size=40), st.integers(1, 120))
def test_exactly_the_header_is_taken(client, port, follows, piece):
    """For every address, port and cut, exactly the header is asked for and read."""
    for write in (v1, v2):
        data = write(client, port)
        found = ProxyHeader((unmapped(client), port))
        assert read(data + follows, piece=piece) == (found, len(data))


PARTS = st.sampled_from([b" ", b"\r", b"\n", b"1", b"1.2.3.4", b"::1", b"x" * 30, b"x" * 50])
LINES = st.lists(PARTS, max_size=16).map(lambda parts: b"PROXY TCP4 " + b"".join(parts))


@given(st.one_of(st.binary(max_size=700), st.binary(max_size=60).map(lambda b: b"PROXY TCP" + b),
                 st.binary(max_size=700).map(lambda b: V2_START + b), LINES))  # fmt: skip
@example(b"PROXY TCP4 " + b"x" * 91 + b"\r")
@example(b"PROXY TCP4 " + b"x" * 89 + b"  ")
def test_any_bytes_are_read_refused_or_waited_for(data):
    """No bytes end in anything else, and cuts change nothing."""

    def outcome(piece):
        try:
            header, taken = read(data, piece=piece)
        except MalformedRequest:
            return "refused"
        assert taken <= MAX_V2_BYTES
        return header, taken

    assert outcome(1) == outcome(4) == outcome(10_000)


@pytest.mark.parametrize("rest", [b"", b"\x01", EMPTY4, bytes(520)])
@pytest.mark.parametrize("family", [0x00, 0x11, 0x31, 0xFF])
def test_local_is_the_proxys_own_connection(family, rest):
    """A health check of the proxy names nobody, and what it may carry is skipped."""
    data = v2_raw(0x20, family, rest)
    assert read(data + b"x") == (ProxyHeader(None), len(data))


def test_mapped_address_is_ipv4():
    """An IPv4 client of a dual-stack proxy has its IPv4 address, in both versions."""
    mapped = ip_address("::ffff:203.0.113.7")
    assert read(v2(mapped))[0] == ProxyHeader((CLIENT, 4711))
    line = b"PROXY TCP6 ::ffff:203.0.113.7 ::1 1 2\r\n"
    assert read(line)[0] == ProxyHeader((CLIENT, 1))


def test_extensions_are_skipped():
    """Type-length-value fields are passed over as long as they fill the header exactly."""
    fields = b"\x01\x00\x08http/1.1" + b"\x04\x00\x00" + b"\xee\x00\x01x"
    assert read(v2(CLIENT, extensions=fields) + b"x")[0] == ProxyHeader((CLIENT, 4711))
    for broken in (b"\x01", b"\x01\x00", b"\x01\x00\x01", b"\x01\x00\x00\x02\x01\x00x"):
        refused(v2(CLIENT6, extensions=broken))


@pytest.mark.parametrize("write", [v2, v1])
def test_bounds(write):
    """A header may have as many bytes as the bound says and not one more."""
    if write is v2:
        room = MAX_V2_BYTES - len(v2(CLIENT)) - 3
        fits, over = (
            v2(CLIENT, extensions=struct.pack("!BH", 4, n) + bytes(n)) for n in (room, room + 1)
        )
        assert refused(over) == 16  # as soon as the length is known
        assert len(fits) == MAX_V2_BYTES
        assert read(fits)[0] == ProxyHeader((CLIENT, 4711))
        refused(v2_raw(0x20, 0, bytes(MAX_V2_BYTES)))
    else:
        longest = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"
        line = f"PROXY TCP6 {longest} {longest} 65535 65535\r\n".encode()
        assert len(line) < MAX_V1_BYTES
        assert read(line)[0] == ProxyHeader((ip_address(longest), 65_535))
        assert refused(b"PROXY TCP6 " + b"f" * 200) <= MAX_V1_BYTES
        assert refused(b"PROXY TCP4 1.2.3.4 1.2.3.4 1" + b"1" * 200) <= MAX_V1_BYTES


@pytest.mark.parametrize(
    "line",
    [
        "PROXY UNKNOWN\r\n", "PROXY UNKNOWN 1.2.3.4 5.6.7.8 1 2\r\n", "PROXY TCP5 ::1 ::1 1 2\r\n",
        "proxy TCP4 1.2.3.4 5.6.7.8 1 2\r\n", "PROXY  TCP4 1.2.3.4 5.6.7.8 1 2\r\n",
        "PROXY TCP4  1.2.3.4 5.6.7.8 1 2\r\n", "PROXY TCP4 1.2.3.4 5.6.7.8 1 2 \r\n",
        "PROXY TCP4 1.2.3.4 5.6.7.8 1 2 3\r\n", "PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n",
        "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n\r\n", "PROXY TCP4 1.2.3.4 5.6.7.8 1\r2\r\n",
        "PROXY TCP4 1.2.3.4 5.6.7.8 01 2\r\n", "PROXY TCP4 1.2.3.4 5.6.7.8 +1 2\r\n",
        "PROXY TCP4 1.2.3.4 5.6.7.8 65536 2\r\n", "PROXY TCP4 1.2.3.4 5.6.7.8 1 99999\r\n",
        "PROXY TCP4 1.2.3.4 5.6.7.8 1 123456\r\n", "PROXY TCP4 01.2.3.4 5.6.7.8 1 2\r\n",
        "PROXY TCP4 1.2.3.256 5.6.7.8 1 2\r\n", "PROXY TCP4 1.2.3.4 5.6.7 1 22\r\n",
        "PROXY TCP4 ::1 ::1 1 2\r\n\r\n\r\n", "PROXY TCP6 1.2.3.4 5.6.7.8 1 2\r\n",
        "PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n", "PROXY TCP6 [::1] [::1] 1 2\r\n",
        "PROXY TCP6 ::1 :::1 1 2\r\n", "PROXY\tTCP4 1.2.3.4 5.6.7.8 1 2\r\n",
        "PROXY TCP4 1.2.3.4\t5.6.7.8 1 2\r\n", "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\r\n",
        " PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n", "GET / HTTP/1.1\r\nhost: x\r\n\r\n",
        "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\x00\x00\x00\x00\x00",
        "PROXY TCP4 1 2 3 4\r\n",
    ],
)  # fmt: skip
def test_any_other_line_is_refused(line):
    """Other spellings, unknown clients, stray spaces and bytes are not a header."""
    refused(line.encode("latin-1"))


@pytest.mark.parametrize(
    "header",
    [
        v2_raw(0x21, 0x00, b""),  # AF_UNSPEC
        v2_raw(0x21, 0x00, EMPTY4),
        v2_raw(0x21, 0x12, EMPTY4),  # UDP
        v2_raw(0x21, 0x22, bytes(36)),
        v2_raw(0x21, 0x31, bytes(216)),  # a Unix socket
        v2_raw(0x21, 0x10, EMPTY4),
        v2_raw(0x22, 0x11, EMPTY4),  # no such command
        v2_raw(0x11, 0x11, EMPTY4),  # no such version
        v2_raw(0x01, 0x11, EMPTY4),
        v2_raw(0x21, 0x11, bytes(11)),
        v2_raw(0x21, 0x11, b""),
        v2_raw(0x21, 0x21, bytes(35)),
        v2_raw(0x21, 0x21, EMPTY4),
        b"\r\n\r\n\x00\r\nQUIT\r" + LOCAL[12:] + b"xxx",
        b"\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n",
    ],
)
def test_any_other_binary_header_is_refused(header):
    """What names no TCP address, or is cut short, is refused: nobody stands in for the client."""
    refused(header)


def test_garbage_is_refused_at_its_first_byte():
    """Nothing is waited for once the bytes cannot begin a header."""
    for data in (b"G", b"\x16", b"PROXY U", b"\r\n\r\n\x01"):
        parser = ProxyHeaderParser()
        assert [parser.feed(data[i : i + 1]) for i in range(len(data) - 1)] == [None] * (
            len(data) - 1
        )
        with pytest.raises(MalformedRequest):
            parser.feed(data[-1:])


def test_more_than_wanted_is_a_bug():
    """Whoever reads past what was asked for would lose the client's first bytes."""
    parser = ProxyHeaderParser()
    with pytest.raises(ValueError, match="wanted"):
        parser.feed(LOCAL + b"x")
    assert parser.feed(LOCAL) == ProxyHeader(None)
    assert parser.wanted_bytes == 0
    line = ProxyHeaderParser()
    data = v1(CLIENT)
    for at in range(len(data)):
        line.feed(data[at : at + 1])
    assert line.wanted_bytes == 0
