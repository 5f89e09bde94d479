"""Who calls: roles, clients (registered OAuth applications), principals (a client with a token)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from gateway.core.shaping import AT_ONCE, Shaping

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


class Role(StrEnum):
    """What a principal is for. One principal holds one role (separation of duties)."""

    APPLICATION = "application"
    DEVELOPER = "developer"
    OPERATOR = "operator"
    AUDITOR = "auditor"
    OWNER = "owner"


@dataclass(frozen=True, slots=True)
class Client:
    """A registered OAuth client and what an operator granted it. Silence denies.

    *models* are the models and LoRA adapters it may call, *networks* the addresses it may call
    from: an empty one of either refuses every call. *plaintext_allowed* lets it send requests that
    are sealed by TLS alone. *shaping* is how its streams leave.
    """

    client_id: str
    role: Role
    models: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()
    plaintext_allowed: bool = False
    disabled: bool = False
    shaping: Shaping = AT_ONCE


@dataclass(frozen=True, slots=True)
class Principal:
    """A client as proven by one verified access token."""

    client: Client
    jti: str
    kid: str
    issued_at: datetime
    expires_at: datetime
