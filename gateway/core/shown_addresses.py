"""How much of an address the access log keeps: all of it, its network, or a pseudonym.

Whatever is kept is an address again, so that everything which reads the log reads that too.
"""

from __future__ import annotations

import hashlib
import hmac
from enum import StrEnum
from ipaddress import IPv4Address
from typing import Final

from gateway.core.access_log import packed, unpacked
from gateway.core.identity import Address, unmapped

_V4_BITS, _V6_BITS = 24, 48  # the size of a site's network, with many callers in it
_DISCARD: Final = bytes.fromhex("0100000000000000")  # 100::/64 (RFC 6666): nobody calls from there


class AddressForm(StrEnum):
    """What of an address is kept."""

    WHOLE = "whole"
    TRUNCATED = "truncated"
    """The network: /24 of IPv4, /48 of IPv6."""

    HASHED = "hashed"
    """An address of ``100::/64``: 64 bits of HMAC-SHA256 under a key of the segment."""


def shown_address(address: Address, form: AddressForm, *, key: bytes) -> Address:
    """Return what is kept of *address*; *key* counts for ``HASHED`` alone.

    Under one key an address always has the same pseudonym. There are few enough IPv4 addresses to
    try them all, so that whoever has the key has the addresses.
    """
    address = unmapped(address)
    if form is AddressForm.WHOLE:
        return address
    if form is AddressForm.TRUNCATED:
        bits = _V4_BITS if isinstance(address, IPv4Address) else _V6_BITS
        hidden = (1 << (address.max_prefixlen - bits)) - 1
        return type(address)(int(address) & ~hidden)
    return unpacked(_DISCARD + hmac.digest(key, packed(address), hashlib.sha256)[:8])
