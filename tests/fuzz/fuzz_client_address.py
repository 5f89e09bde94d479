"""Who called: forwarded headers and PROXY headers, whatever stands in them."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from gateway.core.errors import AddressNotAllowed, MalformedRequest
from gateway.core.forwarded import ForwardedHeader, TrustedProxies, verify_client_address
from gateway.core.identity import Address
from gateway.core.proxy_protocol import MAX_V2_BYTES, ProxyHeader, ProxyHeaderParser

PROXY = ip_address("10.0.0.1")
CLIENT = ip_address("203.0.113.7")
APPENDED = {
    ForwardedHeader.X_FORWARDED_FOR: b"203.0.113.7",
    ForwardedHeader.FORWARDED: b"for=203.0.113.7;proto=https",
}


def _find_client(header: ForwardedHeader, *lines: bytes) -> Address | None:
    proxies = TrustedProxies((ip_network("10.0.0.0/8"),), header)
    try:
        return verify_client_address(PROXY, [(header.encode(), line) for line in lines], proxies)
    except AddressNotAllowed:
        return None


def _read(data: bytes, size: int) -> tuple[ProxyHeader | None, int] | None:
    parser, taken, header = ProxyHeaderParser(), 0, None
    try:
        while header is None and taken < len(data):
            piece = data[taken : taken + min(size, parser.wanted_bytes)]
            assert piece, "an unfinished header wants bytes"
            header = parser.feed(piece)
            taken += len(piece)
    except MalformedRequest:
        return None
    assert taken <= MAX_V2_BYTES
    return header, taken


def check(data: bytes) -> None:
    """No claim changes who is found, and a PROXY header reads the same however it is cut."""
    for header, appended in APPENDED.items():
        _find_client(header, data)
        assert _find_client(header, data, appended) in {CLIENT, None}
    whole = _read(data[1:], 1000)
    assert _read(data[1:], 1 + (data[0] if data else 0) % 16) == whole
    if whole is not None and whole[0] is not None:
        assert _read(data[1:][: whole[1]], 1000) == whole
