"""Status: counts and the keys that are accepted."""

from __future__ import annotations

import pytest

from gateway.control.room import ControlRoom
from gateway.core.errors import PermissionDenied
from gateway.core.identity import Role
from gateway.core.keyring import KeyUse
from gateway.core.registry import RevocationKind
from tests.fakes.control import GRANTS, LOCAL, principal


async def test_status_counts(room: ControlRoom) -> None:
    """The report counts clients and revocations and leaves out keys that are gone."""
    issued = await room.clients.create(LOCAL, GRANTS)
    await room.clients.disable(LOCAL, issued.client_id)
    await room.keys.revoke(LOCAL, room.snapshots.signing_key().kid)
    report = await room.status.read(principal(Role.AUDITOR))
    assert (report.clients, report.clients_disabled) == (1, 1)
    assert {key.use for key in report.keys} == set(KeyUse)
    assert len(report.keys) == 5
    assert report.revocations[RevocationKind.CLIENT_ID] == 1
    with pytest.raises(PermissionDenied):
        await room.status.read(principal(Role.APPLICATION))
