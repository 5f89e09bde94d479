"""Actors: the local operator acts on the control plane, and never calls a model."""

from __future__ import annotations

import pytest

from gateway.control.actors import verify_actor, verify_may_write
from gateway.core.errors import PermissionDenied
from gateway.core.identity import Role
from gateway.core.policy import Permission
from tests.fakes.control import LOCAL, principal


def test_local_operator_calls_no_model() -> None:
    """The command line holds every permission but those of the data plane."""
    for permission in Permission:
        if permission in {Permission.CALL_MODEL, Permission.LIST_MODELS}:
            with pytest.raises(PermissionDenied):
                verify_actor(LOCAL, permission)
        else:
            verify_actor(LOCAL, permission)


@pytest.mark.parametrize("actor", Role)
@pytest.mark.parametrize("target", Role)
def test_only_operators_write_and_no_role_writes_staff(actor: Role, target: Role) -> None:
    """No role writes staff clients; operators alone write applications and developers."""
    allowed = actor is Role.OPERATOR and target in {Role.APPLICATION, Role.DEVELOPER}
    if allowed:
        verify_may_write(principal(actor), target)
    else:
        with pytest.raises(PermissionDenied):
            verify_may_write(principal(actor), target)
    verify_may_write(LOCAL, target)
