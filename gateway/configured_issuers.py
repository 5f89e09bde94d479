"""The keys of other issuers of tokens that the configuration names."""

from __future__ import annotations

import time
from types import MappingProxyType

from gateway.backends.jwks_fetch import JwksFetch
from gateway.control.issuer_keys import CHECK_SECONDS, IssuerFeed, IssuerKeyHolder
from gateway.control.room import ControlRoom
from gateway.core.external_tokens import ExternalIssuer
from gateway.settings import Configuration


def open_issuer_keys(configuration: Configuration, room: ControlRoom) -> IssuerKeyHolder:
    """Return what holds the keys of other issuers; its task ends with the room."""
    base = configuration.at.base
    feeds = [
        IssuerFeed(
            issuer=ExternalIssuer(
                issuer=chosen.issuer,
                audience=chosen.audience,
                algorithms=frozenset(chosen.algorithms),
                role_claim=chosen.role_claim,
                clients=MappingProxyType(chosen.clients),
                roles=MappingProxyType(chosen.roles),
                client_claim=chosen.client_claim,
                types=frozenset(chosen.types),
            ),
            fetch=JwksFetch(
                chosen.jwks_url, ca_file=base / chosen.ca_file if chosen.ca_file else None
            ),
            refresh_seconds=chosen.refresh_seconds,
            max_stale_seconds=chosen.max_stale_seconds,
        )
        for chosen in configuration.settings.issuers
    ]
    holder = IssuerKeyHolder(feeds, monotonic=time.monotonic)
    if feeds:
        room.background.every(CHECK_SECONDS, holder.refresh_due)
    return holder
