"""Stored clients inside a transaction: found, checked against what the caller has seen, saved."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from gateway.control.actors import Actor, verify_may_write
from gateway.core.errors import NotFound, VersionMismatch
from gateway.core.identity import Client
from gateway.core.ports import ControlChange
from gateway.core.registry import PermissionUse, StoredClient


async def get_client(change: ControlChange, client_id: str) -> StoredClient:
    """Return the client. Raises ``NotFound``."""
    stored = await change.find_client(client_id)
    if stored is None:
        raise NotFound
    return stored


async def get_writable(
    change: ControlChange, actor: Actor, client_id: str, *, expected_version: int | None
) -> StoredClient:
    """Return the client if *actor* may write it and has seen it as it is.

    Raises ``NotFound``, ``PermissionDenied`` or ``VersionMismatch``.
    """
    stored = await get_client(change, client_id)
    verify_may_write(actor, stored.client.role)
    verify_version(stored, expected_version)
    return stored


def verify_version(stored: StoredClient, expected_version: int | None) -> None:
    """Raise ``VersionMismatch`` unless *stored* is what the caller has seen; ``None`` is any."""
    if expected_version not in {None, stored.version}:
        raise VersionMismatch


async def save_client(
    change: ControlChange, stored: StoredClient, client: Client, *, at: datetime
) -> StoredClient:
    """Put *client* in the place of *stored*, as the next version; return it."""
    saved = replace(stored, client=client, changed_at=at, version=stored.version + 1)
    await change.save_client(saved)
    return saved


async def note_granted(
    change: ControlChange, client_id: str, permissions: Iterable[str], *, at: datetime
) -> None:
    """Remember the day of the grant, from which on an unused permission counts as idle."""
    uses = [PermissionUse(client_id, str(name), at.date()) for name in permissions]
    await change.save_permission_uses(uses)
