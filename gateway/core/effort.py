"""How much work strangers can cause: seconds of processor time for callers who prove nothing.

Opening a sealed request and checking a signature come before anybody is known. What that takes is
charged to the caller's site if it proved nobody; a site that has used up its share, and strangers
together that have used up theirs, are refused before the next such work. A site from which a caller
was proven lately is no stranger: a flood from elsewhere costs it nothing. Bounded in memory; time
is an argument.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from math import ceil, inf
from typing import Final

from gateway.core.errors import Overloaded, RateLimited

_SAVED_SECONDS: Final = 1.0
"""What is not used is saved up for so long."""

_DEBT_SECONDS: Final = 5.0
"""Debts never take longer to pay back. They arise since work is charged when its caller turns out
to be nobody, so what runs at the same time is let through together."""

_SITE: Final = "Too many requests from this address could not be verified; try again later."
_STRANGERS: Final = "Too many requests could not be verified; try again in a moment."


@dataclass(frozen=True, slots=True)
class EffortRules:
    """Seconds of work in a second: for one site, and for all strangers together.

    A site is known for *known_seconds* after a caller there was proven. Of strange and of known
    sites *max_sites* each are kept, about 200 bytes for one.
    """

    site_share: float = 0.1
    strangers_share: float = 0.25
    known_seconds: float = 600.0
    max_sites: int = 16_384


class _Account:
    """Seconds of work that are left of a share."""

    __slots__ = ("_at", "_share", "left")

    def __init__(self, share: float, now: float) -> None:
        self._share = share
        self._at = now
        self.left = share * _SAVED_SECONDS

    def take(self, seconds: float, now: float) -> None:
        """Bring up to *now* and take *seconds*, within the bounds."""
        gained = max(0.0, now - self._at) * self._share
        left = min(self._share * _SAVED_SECONDS, self.left + gained) - seconds
        self.left = max(-self._share * _DEBT_SECONDS, left)
        self._at = now


class EffortBudget:
    """The work that callers may cause before they are proven. For one event loop."""

    def __init__(self, rules: EffortRules, *, now: float) -> None:
        self._rules = rules
        self._strangers = _Account(rules.strangers_share, now)
        self._sites: OrderedDict[str, _Account] = OrderedDict()
        self._known: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._sites) + len(self._known)

    def verify(self, site: str, now: float) -> None:
        """Raise unless work may be done for a caller of *site* who has proven nothing yet.

        ``RateLimited`` when the site has used up its share, ``Overloaded`` when all strangers have
        and this is one.
        """
        account = self._sites.get(site)
        if account is not None:
            account.take(0.0, now)
            if account.left <= 0:
                seconds = ceil(-account.left / self._rules.site_share)
                raise RateLimited(_SITE, retry_after_seconds=max(1, seconds))
        if self._is_known(site, now):
            return
        self._strangers.take(0.0, now)
        if self._strangers.left <= 0:
            raise Overloaded(_STRANGERS)

    def charge(self, site: str, seconds: float, now: float) -> None:
        """Charge work that was done for a caller of *site* who did not prove to be anybody."""
        account = self._sites.get(site)
        if account is None:
            account = self._sites[site] = _Account(self._rules.site_share, now)
        account.take(seconds, now)
        self._sites.move_to_end(site)
        if len(self._sites) > self._rules.max_sites:
            self._sites.popitem(last=False)
        if not self._is_known(site, now):
            self._strangers.take(seconds, now)

    def prove(self, site: str, now: float) -> None:
        """Note that a caller of *site* is proven: it is known from now."""
        self._known[site] = now + self._rules.known_seconds
        self._known.move_to_end(site)
        if len(self._known) > self._rules.max_sites:
            self._known.popitem(last=False)

    def _is_known(self, site: str, now: float) -> bool:
        return self._known.get(site, -inf) > now
