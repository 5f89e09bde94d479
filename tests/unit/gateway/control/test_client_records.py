"""Stored clients inside a transaction."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gateway.control.client_records import get_client, get_writable, note_granted, save_client
from gateway.control.room import ControlRoom
from gateway.core.errors import NotFound, PermissionDenied, VersionMismatch
from gateway.core.identity import Role
from tests.fakes.control import GRANTS, LOCAL, principal

LATER = datetime(2026, 12, 24, 23, 59, tzinfo=UTC)


async def test_saved_client_is_the_next_version(room: ControlRoom) -> None:
    """Saving counts the version up and notes the moment; the creation stays."""
    name = (await room.clients.create(LOCAL, GRANTS)).client_id
    async with room.store.change() as change:
        stored = await get_client(change, name)
        saved = await save_client(change, stored, stored.client, at=LATER)
        assert await get_client(change, name) == saved
    assert (saved.version, saved.changed_at) == (2, LATER)
    assert saved.created_at == stored.created_at
    async with room.store.change() as change:
        with pytest.raises(NotFound):
            await get_client(change, "c-0")


async def test_right_comes_before_version(room: ControlRoom) -> None:
    """Who may not write a client does not learn whether its version is another."""
    name = (await room.clients.create(LOCAL, GRANTS, role=Role.OWNER)).client_id
    operator = principal(Role.OPERATOR)
    async with room.store.change() as change:
        for version in (None, 1, 2):
            with pytest.raises(PermissionDenied):
                await get_writable(change, operator, name, expected_version=version)
        for version in (None, 1):
            assert await get_writable(change, LOCAL, name, expected_version=version)
        for version in (0, 2):
            with pytest.raises(VersionMismatch):
                await get_writable(change, LOCAL, name, expected_version=version)


async def test_grant_is_noted_with_its_day(room: ControlRoom) -> None:
    """From the day of the grant on an unused permission counts as idle."""
    name = (await room.clients.create(LOCAL, GRANTS)).client_id
    async with room.store.change() as change:
        await note_granted(change, name, ["models:list"], at=LATER)
        uses = {use.permission: use for use in await change.list_permission_uses(name)}
    assert uses["models:list"].granted_on == LATER.date()
    assert uses["models:list"].last_used_on is None
