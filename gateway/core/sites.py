"""Whose address it is, as far as counting goes: one customer is one site."""

from __future__ import annotations

from ipaddress import IPv6Address
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
    host_bits = 128 - IPV6_SITE_BITS  # each request asks, and ip_network takes twice the time
    return f"{IPv6Address(int(address) >> host_bits << host_bits)}/{IPV6_SITE_BITS}"
