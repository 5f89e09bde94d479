"""How many connections a listener has room for, in total and for one address.

An address counts as its site, so the /64 of an IPv6 address is one. A connection has its place from
the moment it is accepted, before TLS, until it is closed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from gateway.core.identity import Address
from gateway.core.sites import site_of


class ConnectionPlaces:
    """The places of one listener.

    *exempt* are addresses that have no limit of their own, as the proxies before a gateway, through
    which everybody comes.
    """

    def __init__(self, total: int, per_address: int, *, exempt: Callable[[Address], bool]) -> None:
        self._total, self._per_address = total, per_address
        self._exempt = exempt
        self._taken = 0
        self._by_site: Counter[str] = Counter()

    def find_place(self) -> Place | None:
        """Return a place for a connection, or None when all are taken."""
        if self._taken >= self._total:
            return None
        self._taken += 1
        return Place(self)

    def enter(self, address: Address) -> str | None:
        """Count a connection of *address*; return its site, or None when that has enough."""
        if self._exempt(address):
            return ""
        site = site_of(address)
        if self._by_site[site] >= self._per_address:
            return None
        self._by_site[site] += 1
        return site

    def leave(self, site: str | None) -> None:
        """Give up a place, and with *site* one of that site."""
        self._taken -= 1
        if site:
            self._by_site[site] -= 1
            if not self._by_site[site]:
                del self._by_site[site]


class Place:
    """The place of one connection. It is given up once, however often it is left."""

    __slots__ = ("_is_left", "_places", "_site")

    def __init__(self, places: ConnectionPlaces) -> None:
        self._places = places
        self._site: str | None = None
        self._is_left = False

    def claim(self, address: Address) -> bool:
        """Say who has the place, once; return False when *address* has as many as it may."""
        self._site = self._places.enter(address)
        return self._site is not None

    def leave(self) -> None:
        """Give the place to others."""
        if not self._is_left:
            self._is_left = True
            self._places.leave(self._site)
