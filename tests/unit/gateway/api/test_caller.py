"""The caller's address: what the listener says, mapped addresses as IPv4, nothing guessed."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest
from starlette.requests import HTTPConnection

from gateway.api.caller import caller_address, client_certificate, rate_limit_key
from gateway.core.errors import AddressNotAllowed


def connection(client: Any) -> HTTPConnection:
    """Return a connection from *client*, with a forwarded header that must not count."""
    headers = [(b"x-forwarded-for", b"203.0.113.9")]
    return HTTPConnection({"type": "http", "headers": headers, "client": client})


@pytest.mark.parametrize(
    ("host", "address", "key"),
    [
        ("192.0.2.1", "192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1", "192.0.2.1"),
        ("2001:db8::1:2:3:4", "2001:db8::1:2:3:4", "2001:db8::/64"),
    ],
)
def test_address_and_key(host: str, address: str, key: str) -> None:
    """IPv6 callers are counted by their /64."""
    assert caller_address(connection((host, 1))) == ip_address(address)
    assert rate_limit_key(connection((host, 1))) == key


@pytest.mark.parametrize("client", [None, ("", 1), ("testclient", 1), ()])
def test_no_address_is_refused(client: Any) -> None:
    """A caller without an address is on no allowlist."""
    with pytest.raises(AddressNotAllowed):
        caller_address(connection(client))


@pytest.mark.parametrize(
    ("extensions", "certificate"),
    [
        ({}, None),
        ({"extensions": {}}, None),
        ({"extensions": {"tls": {}}}, None),
        ({"extensions": {"tls": {"client_cert_der": b"DER"}}}, b"DER"),
    ],
)
def test_certificate_is_what_the_listener_verified(
    extensions: dict[str, Any], certificate: bytes | None
) -> None:
    """The certificate comes from the listener alone; a header that claims one is not read."""
    headers = [(b"client-cert", b":ZZ==:"), (b"x-client-cert", b"ZZ==")]
    scope = {"type": "http", "headers": headers, "client": None, **extensions}
    assert client_certificate(HTTPConnection(scope)) == certificate
