"""What is allowed right now: one immutable snapshot, and the questions asked of it on every call.

The control plane builds a new :class:`Snapshot` after each change and swaps it in; the data plane
only ever reads the current one. So a decision never sees half a change, needs no lock and no
database, and a revocation counts from the moment the swap is done (ADR-0004). Silence denies: what
a snapshot does not hold is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gateway.core.errors import AddressNotAllowed, InvalidToken, PermissionDenied
from gateway.core.identity import Address, Client, Network, Principal, Role
from gateway.core.ohttp_keys import RecipientKey


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
            }
        ),
        Role.AUDITOR: frozenset({Permission.READ_ACCESS_LOG, Permission.READ_STATUS}),
        Role.OWNER: frozenset({Permission.ASSIGN_ROLES, Permission.READ_CLIENTS}),
    }
)


@dataclass(frozen=True, slots=True)
class ModelPolicy:
    """What the operator said of one served model or LoRA adapter."""

    production: bool = True


@dataclass(frozen=True, slots=True)
class Revocations:
    """Everything that was withdrawn before its time.

    *not_before* maps a client to the moment up to which its tokens are refused, issued at that
    very second included, so that a token minted in the second of the revocation dies with it.
    """

    jtis: frozenset[str] = frozenset()
    kids: frozenset[str] = frozenset()
    not_before: Mapping[str, datetime] = field(default_factory=dict)

    def refuse(self, *, jti: str, kid: str, client_id: str, issued_at: datetime) -> None:
        """Raise :class:`InvalidToken` when a token with these claims has been revoked."""
        cut = self.not_before.get(client_id)
        if jti in self.jtis or kid in self.kids or (cut is not None and issued_at <= cut):
            raise InvalidToken


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that the data plane checks against, as of one *revision* of the store.

    *verification_keys* maps the ``kid`` of each signing key that is still good to its public half;
    *recipient_keys* maps each 8-bit OHTTP key identifier to its private half;
    *recipient_kids* maps it to the ``kid``; *key_configurations* is the ready
    ``application/ohttp-keys`` body. *cut_key_ids* holds the ``kid`` of every key that was revoked
    without leave to finish: a stream that began under one of them must be cut.
    """

    revision: int
    clients: Mapping[str, Client]
    models: Mapping[str, ModelPolicy]
    verification_keys: Mapping[str, Ed25519PublicKey]
    recipient_keys: Mapping[int, RecipientKey]
    key_configurations: bytes
    revocations: Revocations
    recipient_kids: Mapping[int, str] = field(default_factory=dict)
    cut_key_ids: frozenset[str] = frozenset()


def verify_principal(principal: Principal, snapshot: Snapshot) -> Client:
    """Return the principal's client as it is now.

    Raises :class:`InvalidToken` when the client is gone or disabled, or when the client, the token
    or the key that signed it has been revoked. A key that was merely rotated out does no harm.
    """
    client = snapshot.clients.get(principal.client.client_id)
    if client is None or client.disabled or principal.kid in snapshot.cut_key_ids:
        raise InvalidToken
    snapshot.revocations.refuse(
        jti=principal.jti,
        kid=principal.kid,
        client_id=client.client_id,
        issued_at=principal.issued_at,
    )
    return client


def verify_permission(principal: Principal, permission: Permission) -> None:
    """Raise :class:`PermissionDenied` unless the principal's role holds *permission*."""
    if permission not in ROLE_PERMISSIONS[principal.client.role]:
        raise PermissionDenied


def verify_address(address: Address, networks: Sequence[Network]) -> None:
    """Raise :class:`AddressNotAllowed` unless *address* lies in one of *networks*.

    An IPv4-mapped IPv6 address counts as the IPv4 address it carries: ``ipaddress`` would say that
    ``::ffff:10.0.0.1`` is not in ``10.0.0.0/8``, which opens or closes lists by accident.
    """
    address = getattr(address, "ipv4_mapped", None) or address
    if not any(address in network for network in networks):
        raise AddressNotAllowed


def verify_model(principal: Principal, model: str, models: Mapping[str, ModelPolicy]) -> None:
    """Raise :class:`PermissionDenied` unless the principal may call *model*.

    The same error for a model that does not exist and for one that was not granted: the answer is
    no catalogue. A developer may call only what is marked as not in production.
    """
    policy = models.get(model)
    granted = policy is not None and model in principal.client.models
    if not granted or (principal.client.role is Role.DEVELOPER and policy and policy.production):
        raise PermissionDenied("This model does not exist or was not granted to the client.")
