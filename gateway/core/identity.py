"""Who calls: roles, clients (registered OAuth applications), principals (a client with a token)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import NamedTuple

from gateway.core.grants import (
    RAW_PARAMETERS,
    UNLIMITED,
    UNMASKABLE_PARAMETERS,
    DataClass,
    Grant,
    Parameter,
    Quota,
    TokenBinding,
)
from gateway.core.scrub_rules import SILENT, ScrubRules
from gateway.core.shaping import AT_ONCE, Shaping

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def unmapped(address: Address) -> Address:
    """Return *address*, an IPv4-mapped IPv6 address (RFC 4291 §2.5.5.2) as the IPv4 one it carries.

    ``ipaddress`` would say that ``::ffff:10.0.0.1`` is not in ``10.0.0.0/8``, which opens or closes
    lists by accident.
    """
    return getattr(address, "ipv4_mapped", None) or address


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

    *grants* are the calls it may make, *networks* the addresses it may make them from: an empty
    one of either refuses every call. *withheld* names the permissions that were reclaimed because
    nobody used them. *plaintext_allowed* lets it send requests that are sealed by TLS alone.
    *shaping* is how its streams leave, *data_class* the class of its requests unless they name a
    lower one, *token_binding* what must prove that a token is its own. *scrubbing* says which form
    values found in its answers get. With *masks_requests* the models see tokens in the place of
    personal data in its requests. *parameters* are what it may ask for beside what every client
    may, *limits* how much, by the names of ``RequestLimits``, in the place of the gateway's.
    *extra_members* are members of requests that the gateway itself does not know, by name.
    """

    client_id: str
    role: Role
    grants: frozenset[Grant] = frozenset()
    networks: tuple[Network, ...] = ()
    plaintext_allowed: bool = False
    disabled: bool = False
    shaping: Shaping = AT_ONCE
    data_class: DataClass = DataClass.INTERNAL
    token_binding: TokenBinding = TokenBinding.NONE
    quota: Quota = UNLIMITED
    withheld: frozenset[str] = frozenset()
    scrubbing: ScrubRules = SILENT
    masks_requests: bool = False
    parameters: frozenset[Parameter] = frozenset()
    limits: Mapping[str, int] = field(default_factory=dict)
    extra_members: frozenset[str] = frozenset()

    @property
    def usable_parameters(self) -> frozenset[Parameter]:
        """The parameters that count: raw ones for developers alone, and none around the masks."""
        raw = frozenset() if self.role is Role.DEVELOPER else RAW_PARAMETERS
        unmasked = UNMASKABLE_PARAMETERS if self.masks_requests else frozenset()
        return self.parameters - raw - unmasked

    @property
    def usable_extra_members(self) -> frozenset[str]:
        """The extra members that count: none around the masks, where numbers are let through."""
        return frozenset() if self.masks_requests else self.extra_members

    @property
    def models(self) -> frozenset[str]:
        """The models and LoRA adapters for which it holds a grant that was not reclaimed."""
        return frozenset(g.model for g in self.grants if g.permission not in self.withheld)


class Confirmation(NamedTuple):
    """The key that a token is bound to (its claim ``cnf``, RFC 7800); neither for a bearer token.

    *jkt* is the SHA-256 thumbprint of the DPoP key (RFC 9449 §6.1), *x5t_s256* that of the client
    certificate (RFC 8705 §3.1), both in base64url.
    """

    jkt: str | None = None
    x5t_s256: str | None = None


UNBOUND = Confirmation()


@dataclass(frozen=True, slots=True)
class Principal:
    """A client as proven by one verified access token.

    *credential_id* is the credential it was fetched with; empty for a token of another issuer.
    """

    client: Client
    jti: str
    kid: str
    issued_at: datetime
    expires_at: datetime
    credential_id: str = ""
    confirmation: Confirmation = UNBOUND
