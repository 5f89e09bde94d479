"""The configured models: what there is to grant."""

from __future__ import annotations

from types import MappingProxyType

import pytest

from gateway.control.room import ControlRoom
from gateway.control.snapshot import Policies
from gateway.core.errors import PermissionDenied
from gateway.core.identity import Role
from gateway.core.policy import ModelPolicy
from tests.fakes.control import principal

OPERATOR = principal(Role.OPERATOR)


async def test_models_are_paged_by_name(room: ControlRoom) -> None:
    """Each is listed once, by name, with what is configured for it."""
    configured = {name: ModelPolicy(location=name) for name in ("c", "a", "b")}
    await room.snapshots.refresh(Policies(models=MappingProxyType(configured)))
    first = await room.models.list_page(OPERATOR, limit=2)
    rest = await room.models.list_page(OPERATOR, after="b", limit=2)
    assert [*first, *rest] == sorted(configured.items())


@pytest.mark.parametrize("role", [Role.APPLICATION, Role.DEVELOPER, Role.AUDITOR, Role.OWNER])
async def test_models_are_for_operators(room: ControlRoom, role: Role) -> None:
    """Whoever grants no model sees no list of them."""
    with pytest.raises(PermissionDenied):
        await room.models.list_page(principal(role))
