"""Clients and principals."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from gateway.core.identity import Client, Role, unmapped


def test_new_client_may_do_nothing():
    """Silence denies: a client has no model, no address and no clear requests by default."""
    client = Client(client_id="c", role=Role.APPLICATION)
    assert (client.models, client.networks, client.plaintext_allowed) == (frozenset(), (), False)


@pytest.mark.parametrize(
    ("address", "plain"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::192.0.2.1", "::c000:201"),  # the deprecated compatible form stays IPv6
        ("2001:db8::1", "2001:db8::1"),
    ],
)
def test_mapped_addresses_are_the_ipv4_addresses_they_carry(address, plain):
    """One client has one address, whichever kind of socket it came in by."""
    assert unmapped(ip_address(address)) == ip_address(plain)
