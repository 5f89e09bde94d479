"""Sites: what counts as one caller."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from gateway.core.sites import site_of


@pytest.mark.parametrize(
    ("address", "site"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8::ffff:1", "2001:db8::/64"),
        ("2001:db8:0:1::1", "2001:db8:0:1::/64"),
    ],
)
def test_site_is_the_customer(address: str, site: str) -> None:
    """An IPv4 address counts alone, mapped or not; an IPv6 address counts with its /64."""
    assert site_of(ip_address(address)) == site
