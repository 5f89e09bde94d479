"""Who called, when proxies stand in between: the address that the nearest untrusted hop has.

A forwarded header is a list to which every proxy appends the address it was called from, so its
right end was written by those near us and its left end by whoever likes to. It is believed only
when the peer itself is a trusted proxy, and read from the right: the first address that is no
trusted proxy is the client. Whatever stands left of it is not looked at.

Nothing falls back to the address of the proxy: it may be on an allowlist that the client is not on.
Of the two headers only the configured one is read, and no other spelling of its name: a proxy that
overwrites ``X-Forwarded-For`` may pass ``X_Forwarded_For`` on as it came.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address
from types import MappingProxyType
from typing import Final

from gateway.core.errors import AddressNotAllowed
from gateway.core.identity import Address, Network, unmapped

MAX_BYTES: Final = 4096
"""Of all lines of the header together."""
MAX_ENTRIES: Final = 32

_OWS: Final = " \t"
# Of RFC 9110 §5.6; nothing here matches in two ways, so hostile text costs no more than any other.
_TOKEN: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]++"  # noqa: S105
_QUOTED: Final = r'"(?:[\t !#-\[\]-~]|\\[\t -~])*+"'
_ELEMENT_TEXT: Final = rf'(?:{_QUOTED}|[^",])*+'
_LIST: Final = re.compile(rf"{_ELEMENT_TEXT}(?:,{_ELEMENT_TEXT})*+")
_ELEMENT: Final = re.compile(rf"(?:\A|,)({_ELEMENT_TEXT})")
_PAIR: Final = re.compile(rf"({_TOKEN})=({_TOKEN}|{_QUOTED})[ \t]*+")
_PAIRS: Final = re.compile(rf"(?:{_PAIR.pattern})?(?:;[ \t]*+(?:{_PAIR.pattern})?)*+")
_IPV4: Final = re.compile(r"([0-9.]+)(?::(?:[0-9]{1,5}|_[A-Za-z0-9._-]+))?")
_IPV6: Final = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::(?:[0-9]{1,5}|_[A-Za-z0-9._-]+))?")
_BARE_IPV6: Final = re.compile(r"[0-9A-Fa-f:.]+")


class ForwardedHeader(StrEnum):
    """Which header the trusted proxies write. The value is what the configuration names it."""

    NONE = "none"
    X_FORWARDED_FOR = "x-forwarded-for"
    FORWARDED = "forwarded"


@dataclass(frozen=True, slots=True)
class TrustedProxies:
    """The proxies of one listener, and the header by which they name who called them."""

    networks: tuple[Network, ...] = ()
    header: ForwardedHeader = ForwardedHeader.NONE

    def trust(self, address: Address) -> bool:
        """Return whether *address*, which is not IPv4-mapped, is that of a trusted proxy."""
        return any(address in network for network in self.networks)


def verify_client_address(
    peer: Address,
    unverified_headers: Sequence[tuple[bytes, bytes]],
    proxies: TrustedProxies,
    *,
    proxy_may_call: bool = False,
) -> Address:
    """Return the address of the client that called through *peer*, an IPv4-mapped one as IPv4.

    That is *peer* when it is no trusted proxy or no header is configured. When all hops are trusted
    it is the first of them. Several lines of the header are one list (RFC 9110 §5.3). With
    *proxy_may_call* a trusted proxy that sends no header speaks for itself, as in a health check.

    Raises ``AddressNotAllowed`` when the header is missing, longer than ``MAX_BYTES`` or
    ``MAX_ENTRIES``, or holds anything but an address before the client is found: text that does
    not parse, an empty entry, a zone, or ``unknown`` and obfuscated names (RFC 7239 §6).
    """
    peer = unmapped(peer)
    if proxies.header is ForwardedHeader.NONE or not proxies.trust(peer):
        return peer
    name = proxies.header.encode("ascii")
    lines = [value for key, value in unverified_headers if key.lower() == name]
    if not lines:
        if proxy_may_call:
            return peer
        raise AddressNotAllowed
    client = peer
    for client in _from_the_right(b",".join(lines), proxies.header):
        if not proxies.trust(client):
            break
    return client


def _from_the_right(unverified_list: bytes, header: ForwardedHeader) -> Iterator[Address]:
    if len(unverified_list) > MAX_BYTES or not unverified_list.isascii():
        raise AddressNotAllowed
    split, read = _FORMATS[header]
    entries = split(unverified_list.decode("ascii"))
    if len(entries) > MAX_ENTRIES:
        raise AddressNotAllowed
    for entry in reversed(entries):
        yield read(entry.strip(_OWS))


def _split_elements(text: str) -> list[str]:
    """Split at the commas outside quoted strings (RFC 7239 §4)."""
    if _LIST.fullmatch(text) is None:  # a quote that is never closed: who wrote what is unknown
        raise AddressNotAllowed
    return _ELEMENT.findall(text)


def _read_element(element: str) -> Address:
    if _PAIRS.fullmatch(element) is None:
        raise AddressNotAllowed
    pairs = [(name.lower(), value) for name, value in _PAIR.findall(element)]
    parameters = dict(pairs)
    node = parameters.get("for")
    if node is None or len(parameters) != len(pairs):
        raise AddressNotAllowed
    if node.startswith('"'):
        node = re.sub(r"\\(.)", r"\1", node[1:-1])
    return _read_node(node)


def _read_node(node: str) -> Address:
    """Read an address as RFC 7239 §6 writes it: IPv6 in brackets, both with a port or without."""
    try:
        if found := _IPV4.fullmatch(node):
            return IPv4Address(found[1])
        if found := _IPV6.fullmatch(node):
            return unmapped(IPv6Address(found[1]))
    except ValueError:
        raise AddressNotAllowed from None
    raise AddressNotAllowed


def _read_entry(entry: str) -> Address:
    """Read an entry of ``X-Forwarded-For``, where IPv6 mostly stands without brackets."""
    bare = _BARE_IPV6.fullmatch(entry) and entry.count(":") > 1
    return _read_node(f"[{entry}]" if bare else entry)


_Format = tuple[Callable[[str], list[str]], Callable[[str], Address]]
_FORMATS: Final = MappingProxyType[ForwardedHeader, _Format](
    {
        ForwardedHeader.X_FORWARDED_FOR: (lambda text: text.split(","), _read_entry),
        ForwardedHeader.FORWARDED: (_split_elements, _read_element),
    }
)
