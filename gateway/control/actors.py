"""Who acts on the control plane, and what each may do. Silence denies.

An actor is a member of staff that proved itself with an access token, the local operator, or the
gateway itself. Whoever can open the store and the key file on this machine already holds everything
they protect, so the command line needs no token of its own.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from gateway.core.errors import PermissionDenied
from gateway.core.identity import Principal, Role
from gateway.core.policy import Permission, verify_permission

STAFF_ROLES = frozenset({Role.OPERATOR, Role.AUDITOR, Role.OWNER})
"""Roles of the control plane. An operator who could write such a client could become it."""

_NEVER_LOCAL = frozenset({Permission.CALL_MODEL, Permission.LIST_MODELS})


def new_request_id() -> str:
    """Return a fresh name for one call or command, under which the audit trail has it."""
    return secrets.token_hex(8)


@dataclass(frozen=True, slots=True)
class Staff:
    """A principal on the admin listener, in one call."""

    principal: Principal
    request_id: str = field(default_factory=new_request_id)

    @property
    def name(self) -> str:
        """What the audit trail calls this actor."""
        return f"client:{self.client_id}"

    @property
    def client_id(self) -> str:
        """The principal's client."""
        return self.principal.client.client_id


@dataclass(frozen=True, slots=True)
class LocalOperator:
    """The person at the command line of the gateway's own machine."""

    request_id: str = field(default_factory=new_request_id)
    name: str = field(default="local", init=False)


@dataclass(frozen=True, slots=True)
class System:
    """The gateway itself: rotation by age, reclaim by schedule."""

    request_id: str = field(default_factory=new_request_id)
    name: str = field(default="system", init=False)


Actor = Staff | LocalOperator | System


def verify_actor(actor: Actor, permission: Permission) -> None:
    """Raise ``PermissionDenied`` unless *actor* holds *permission*.

    The local operator holds every permission of the control plane, assigning roles included, since
    somebody has to name the first owner. So does the gateway itself.
    """
    if isinstance(actor, Staff):
        verify_permission(actor.principal, permission)
    elif permission in _NEVER_LOCAL:
        raise PermissionDenied


def verify_may_write(actor: Actor, target: Role) -> None:
    """Raise ``PermissionDenied`` unless *actor* may change a client that has the role *target*.

    Who can give an owner a new secret is an owner. So clients with a staff role need the right to
    assign roles besides the right to write clients, which no single role holds.
    """
    verify_actor(actor, Permission.WRITE_CLIENTS)
    if target in STAFF_ROLES:
        verify_actor(actor, Permission.ASSIGN_ROLES)
