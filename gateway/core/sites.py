"""Whose address it is, as far as counting goes: one customer is one site."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_network
from typing import Final

from gateway.core.identity import Address, unmapped

IPV6_SITE_BITS: Final = 64
"""One customer holds at least a /64, so a limit on single IPv6 addresses limits nobody."""


def site_of(address: Address) -> str:
    """Return what calls are counted by: the IPv4 address, or the /64 of an IPv6 address.

    An IPv4-mapped address counts as the IPv4 address it carries.
    """
    address = unmapped(address)
    if not isinstance(address, IPv6Address):
        return str(address)
    return str(ip_network((int(address), IPV6_SITE_BITS), strict=False))
