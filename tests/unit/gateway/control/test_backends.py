"""Draining model servers."""

from __future__ import annotations

import pytest

from gateway.control.actors import LocalOperator
from gateway.control.room import ControlRoom
from gateway.core.errors import NotFound, PermissionDenied
from gateway.core.identity import Role
from tests.fakes.control import principal

OPERATOR = principal(Role.OPERATOR)


async def test_a_drained_server_is_known_at_once(room: ControlRoom) -> None:
    """When the act is answered the data plane sees it, and the list says so."""
    await room.start()
    status = await room.backends.drain(OPERATOR, "gpu-1")
    assert (status.load.name, status.drained) == ("gpu-1", True)
    assert room.backends.drained() == {"gpu-1"}
    listed = {one.load.name: one.drained for one in await room.backends.list_all(OPERATOR)}
    assert listed == {"gpu-0": False, "gpu-1": True}
    assert not (await room.backends.undrain(OPERATOR, "gpu-1")).drained
    assert room.backends.drained() == set()
    await room.close()


async def test_each_act_has_its_row(room: ControlRoom) -> None:
    """Draining, undraining and a name that is not there are in the audit trail."""
    await room.backends.drain(OPERATOR, "gpu-0")
    await room.backends.undrain(LocalOperator(), "gpu-0")
    with pytest.raises(NotFound):
        await room.backends.drain(OPERATOR, "gpu-9")
    rows = await room.acts.store.list_audit(after=0, limit=50)
    found = [(row.entry.action, row.entry.target, row.entry.outcome.value) for row in rows]
    assert [row for row in found if row[0].startswith("backend.")] == [
        ("backend.drain", "gpu-0", "done"),
        ("backend.undrain", "gpu-0", "done"),
        ("backend.drain", "gpu-9", "refused"),
    ]


@pytest.mark.parametrize("role", [Role.APPLICATION, Role.DEVELOPER, Role.AUDITOR, Role.OWNER])
async def test_draining_is_for_operators(room: ControlRoom, role: Role) -> None:
    """Nobody else takes a server out; auditors may look."""
    with pytest.raises(PermissionDenied):
        await room.backends.drain(principal(role), "gpu-0")
    if role is Role.AUDITOR:
        assert len(await room.backends.list_all(principal(role))) == 2
