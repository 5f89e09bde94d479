"""How much of an address is kept."""

from __future__ import annotations

from ipaddress import IPv6Network, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.shown_addresses import AddressForm, shown_address

KEY = bytes(32)


@pytest.mark.parametrize(
    ("ip", "shown"),
    [
        ("192.0.2.77", "192.0.2.0"),
        ("::ffff:192.0.2.77", "192.0.2.0"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::"),
    ],
)
def test_truncated_is_the_network(ip: str, shown: str) -> None:
    """Of IPv4 the first 24 bits are kept, of IPv6 the first 48."""
    assert str(shown_address(ip_address(ip), AddressForm.TRUNCATED, key=KEY)) == shown


@given(st.ip_addresses(), st.binary(min_size=32, max_size=32))
def test_hashed_is_a_pseudonym(ip, key) -> None:
    """Under one key one address is always the same, from where nobody calls; else another."""
    shown = shown_address(ip, AddressForm.HASHED, key=key)
    assert shown in IPv6Network("100::/64")
    assert shown == shown_address(ip, AddressForm.HASHED, key=key)
    assert shown != shown_address(ip, AddressForm.HASHED, key=key + b"x")


def test_whole_is_whole() -> None:
    """By default the address itself is kept, a mapped one as the one it carries."""
    assert str(shown_address(ip_address("::ffff:192.0.2.7"), AddressForm.WHOLE, key=b"")) == (
        "192.0.2.7"
    )
