"""Where a call came from, as ``scope`` says. Forwarded headers are read by the edge alone.

For applications behind :class:`gateway.api.edge.Edge` the scope has the client's own address.
"""

from __future__ import annotations

from ipaddress import ip_address

from starlette.requests import HTTPConnection

from gateway.core.errors import AddressNotAllowed
from gateway.core.identity import Address, unmapped
from gateway.core.sites import site_of


def caller_address(connection: HTTPConnection) -> Address:
    """Return the client's address, an IPv4-mapped one as IPv4.

    Raises ``AddressNotAllowed`` when the listener knows no address, as with a Unix socket.
    """
    try:
        address = ip_address(connection.scope["client"][0])
    except (TypeError, ValueError, KeyError, IndexError):
        raise AddressNotAllowed from None
    return unmapped(address)


def client_certificate(connection: HTTPConnection) -> bytes | None:
    """Return the DER of the client's certificate, which TLS verified and is good now, or None."""
    tls = connection.scope.get("extensions", {}).get("tls", {})
    certificate: bytes | None = tls.get("client_cert_der")
    return certificate


def rate_limit_key(request: HTTPConnection) -> str:
    """Return what calls are counted by: the IPv4 address, or the /64 of an IPv6 address."""
    return site_of(caller_address(request))
