"""What is allowed right now: one immutable snapshot, and the questions asked of it on every call.

The control plane builds a new :class:`Snapshot` after each change and swaps it in; the data plane
only ever reads the current one. So a decision never sees half a change, needs no lock and no
database, and a revocation counts from the moment the swap is done (ADR-0004). Silence denies: what
a snapshot does not hold is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from gateway.core.conversation import ConversationKeys
from gateway.core.errors import AddressNotAllowed, InvalidToken, PermissionDenied
from gateway.core.grants import DataClass, Grant, Parameter, TokenBinding
from gateway.core.identity import (
    UNBOUND,
    Address,
    Client,
    Confirmation,
    Network,
    Principal,
    Role,
    unmapped,
)
from gateway.core.jwk import VerificationKey
from gateway.core.ohttp_keys import RecipientKey
from gateway.core.request_limits import DEFAULTS, RequestLimits
from gateway.core.scrub_rules import SILENT, ScrubRules


class Permission(StrEnum):
    """One thing a role may do. The value is what the permission-usage record holds."""

    CALL_MODEL = "models:call"
    LIST_MODELS = "models:list"
    READ_CLIENTS = "clients:read"
    WRITE_CLIENTS = "clients:write"
    READ_KEYS = "keys:read"
    WRITE_KEYS = "keys:write"
    READ_REVOCATIONS = "revocations:read"
    WRITE_REVOCATIONS = "revocations:write"
    READ_ACCESS_LOG = "access-log:read"
    PURGE_ACCESS_LOG = "access-log:purge"
    ASSIGN_ROLES = "roles:assign"
    READ_STATUS = "status:read"
    READ_MODELS = "models:read"
    READ_PERMISSIONS = "permissions:read"
    RECLAIM_PERMISSIONS = "permissions:reclaim"
    WRITE_BACKENDS = "backends:write"
    READ_AUDIT = "audit:read"
    READ_PROPOSALS = "proposals:read"
    DECIDE_PROPOSALS = "proposals:decide"


ROLE_PERMISSIONS: Mapping[Role, frozenset[Permission]] = MappingProxyType(
    {
        Role.APPLICATION: frozenset({Permission.CALL_MODEL, Permission.LIST_MODELS}),
        Role.DEVELOPER: frozenset({Permission.CALL_MODEL, Permission.LIST_MODELS}),
        Role.OPERATOR: frozenset(
            {
                Permission.READ_CLIENTS,
                Permission.WRITE_CLIENTS,
                Permission.READ_KEYS,
                Permission.WRITE_KEYS,
                Permission.READ_REVOCATIONS,
                Permission.WRITE_REVOCATIONS,
                Permission.PURGE_ACCESS_LOG,
                Permission.READ_STATUS,
                Permission.READ_MODELS,
                Permission.WRITE_BACKENDS,
                Permission.READ_PERMISSIONS,
                Permission.RECLAIM_PERMISSIONS,
                Permission.READ_PROPOSALS,
            }
        ),
        Role.AUDITOR: frozenset(
            {
                Permission.READ_ACCESS_LOG,
                Permission.READ_AUDIT,
                Permission.READ_PERMISSIONS,
                Permission.READ_STATUS,
            }
        ),
        Role.OWNER: frozenset(
            {
                Permission.ASSIGN_ROLES,
                Permission.READ_CLIENTS,
                Permission.READ_PROPOSALS,
                Permission.DECIDE_PROPOSALS,
            }
        ),
    }
)


@dataclass(frozen=True, slots=True)
class ModelPolicy:
    """What the operator said of one served model or LoRA adapter.

    *clearance* is the highest class of data it may see, *location* names where it runs,
    *scrubbing* says which form values found in its answers get.
    """

    production: bool = True
    clearance: DataClass = DataClass.INTERNAL
    location: str = "local"
    scrubbing: ScrubRules = SILENT


HERE_ONLY: Mapping[DataClass, frozenset[str]] = MappingProxyType(
    {data_class: frozenset({"local"}) for data_class in DataClass}
)
"""Where data of each class may go unless the operator says otherwise."""


@dataclass(frozen=True, slots=True)
class Revocations:
    """Everything that was withdrawn before its time.

    *clients*, *credentials*, *roles* and *everything* say up to which moment tokens are refused,
    issued at that very second included, so that a token minted in the second of the revocation
    dies with it.
    """

    jtis: frozenset[str] = frozenset()
    kids: frozenset[str] = frozenset()
    clients: Mapping[str, datetime] = field(default_factory=dict)
    credentials: Mapping[str, datetime] = field(default_factory=dict)
    roles: Mapping[str, datetime] = field(default_factory=dict)
    everything: datetime | None = None

    def find_cut(self, client: Client, credential_id: str) -> datetime | None:
        """Return the moment up to which such tokens are refused: the latest that applies."""
        cuts = (
            self.clients.get(client.client_id),
            self.credentials.get(credential_id),
            self.roles.get(client.role),
            self.everything,
        )
        return max((cut for cut in cuts if cut is not None), default=None)

    def refuse(self, principal: Principal) -> None:
        """Raise :class:`InvalidToken` when the token of *principal* has been revoked."""
        cut = self.find_cut(principal.client, principal.credential_id)
        if (
            principal.jti in self.jtis
            or principal.kid in self.kids
            or (cut is not None and principal.issued_at <= cut)
        ):
            raise InvalidToken


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that the data plane checks against, as of one *revision* of the store.

    *verification_keys* maps the ``kid`` of each signing key that is still good to its public half;
    *recipient_keys* maps each 8-bit OHTTP key identifier to its private half;
    *recipient_kids* maps it to the ``kid``; *key_configurations* is the ready
    ``application/ohttp-keys`` body. *cut_key_ids* holds the ``kid`` of every key that was revoked
    without leave to finish: a stream that began under one of them must be cut. *locations* says
    where data of each class may go; a class that is not in it goes nowhere.
    *scrubbing* says which form found values get unless model or client say otherwise,
    *conversation_keys* derives the keys of their pseudonyms. *drained_backends* names the model
    servers that get no new calls. *request_limits* hold for clients that have none of their own.
    """

    revision: int
    clients: Mapping[str, Client]
    models: Mapping[str, ModelPolicy]
    verification_keys: Mapping[str, VerificationKey]
    recipient_keys: Mapping[int, RecipientKey]
    key_configurations: bytes
    revocations: Revocations
    recipient_kids: Mapping[int, str] = field(default_factory=dict)
    cut_key_ids: frozenset[str] = frozenset()
    locations: Mapping[DataClass, frozenset[str]] = field(default_factory=lambda: HERE_ONLY)
    scrubbing: ScrubRules = SILENT
    conversation_keys: ConversationKeys | None = None
    drained_backends: frozenset[str] = frozenset()
    request_limits: RequestLimits = DEFAULTS


def verify_principal(principal: Principal, snapshot: Snapshot) -> Client:
    """Return the principal's client as it is now.

    Raises :class:`InvalidToken` when the client is gone or disabled, when the token or anything
    that it rests on has been revoked, or when its token is not bound as the client must have it.
    A key that was merely rotated out does no harm.
    """
    client = snapshot.clients.get(principal.client.client_id)
    if client is None or client.disabled or principal.kid in snapshot.cut_key_ids:
        raise InvalidToken
    snapshot.revocations.refuse(replace(principal, client=client))
    verify_binding(client, principal.confirmation)
    return client


def verify_binding(client: Client, confirmation: Confirmation) -> None:
    """Raise :class:`InvalidToken` unless a token so bound is one that *client* may use."""
    bound = {
        TokenBinding.NONE: True,
        TokenBinding.DPOP: confirmation.jkt is not None,
        TokenBinding.CERTIFICATE: confirmation.x5t_s256 is not None,
        TokenBinding.EITHER: confirmation != UNBOUND,
    }
    if not bound[client.token_binding]:
        raise InvalidToken


def verify_permission(principal: Principal, permission: Permission) -> None:
    """Raise :class:`PermissionDenied` unless the principal's role holds *permission*.

    Nor does a permission count that was reclaimed from this client.
    """
    client = principal.client
    if permission not in ROLE_PERMISSIONS[client.role] or permission in client.withheld:
        raise PermissionDenied


def verify_address(address: Address, networks: Sequence[Network]) -> None:
    """Raise :class:`AddressNotAllowed` unless *address* lies in one of *networks*.

    An IPv4-mapped IPv6 address counts as the IPv4 address it carries.
    """
    address = unmapped(address)
    if not any(address in network for network in networks):
        raise AddressNotAllowed


def verify_grant(
    principal: Principal, grant: Grant, models: Mapping[str, ModelPolicy]
) -> ModelPolicy:
    """Return the policy of the granted model. Raises :class:`PermissionDenied` without the grant.

    The same error for a model that does not exist and for one that was not granted: the answer is
    no catalogue. A developer may call only what is marked as not in production.
    """
    client = principal.client
    policy = models.get(grant.model)
    granted = grant in client.grants and grant.permission not in client.withheld
    if policy is None or not granted or (client.role is Role.DEVELOPER and policy.production):
        raise PermissionDenied("This model does not exist or was not granted to the client.")
    return policy


def verify_parameters(principal: Principal, parameters: frozenset[Parameter]) -> None:
    """Raise ``PermissionDenied`` unless *principal* may ask for all of *parameters* now."""
    if not parameters <= principal.client.usable_parameters:
        raise PermissionDenied


def verify_data_class(data_class: DataClass, policy: ModelPolicy, snapshot: Snapshot) -> None:
    """Raise :class:`PermissionDenied` unless data of this class may go to a model of *policy*."""
    if data_class.rank > policy.clearance.rank:
        raise PermissionDenied("The class of the data is above the clearance of the model.")
    if policy.location not in snapshot.locations.get(data_class, frozenset()):
        raise PermissionDenied("Data of this class may not go to where the model runs.")
