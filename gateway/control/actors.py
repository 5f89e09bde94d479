"""Who acts on the control plane, and what each may do. Silence denies.

An actor is either a principal that proved itself with an access token, or the local operator:
whoever can open the store and the key file on this machine already holds everything they protect,
so the command line needs no token of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.core.errors import PermissionDenied
from gateway.core.identity import Principal, Role
from gateway.core.policy import Permission, verify_permission

STAFF_ROLES = frozenset({Role.OPERATOR, Role.AUDITOR, Role.OWNER})
"""Roles of the control plane. An operator who could write such a client could become it."""

_NEVER_LOCAL = frozenset({Permission.CALL_MODEL, Permission.LIST_MODELS})


@dataclass(frozen=True, slots=True)
class LocalOperator:
    """The person at the command line of the gateway's own machine."""


Actor = Principal | LocalOperator


def verify_actor(actor: Actor, permission: Permission) -> None:
    """Raise ``PermissionDenied`` unless *actor* holds *permission*.

    The local operator holds every permission of the control plane, assigning roles included, since
    somebody has to name the first owner.
    """
    if isinstance(actor, Principal):
        verify_permission(actor, permission)
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
