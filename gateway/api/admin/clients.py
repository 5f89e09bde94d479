"""Clients, their credentials and roles over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query

from gateway.api.admin.session import Caller, Limit, Room
from gateway.api.admin.shapes import (
    ClientOut,
    CredentialOut,
    GrantsIn,
    IssuedOut,
    Page,
    RoleIn,
    RoleOut,
)

ROUTER = APIRouter(prefix="/clients", tags=["clients"])

ClientId = Annotated[str, Path(max_length=64)]
CredentialId = Annotated[str, Path(max_length=64)]
After = Annotated[str, Query(max_length=64)]


@ROUTER.get("")
async def list_clients(
    caller: Caller, room: Room, *, after: After = "", limit: Limit = 50
) -> Page[ClientOut]:
    """List clients by identifier."""
    found = await room.clients.list_page(caller, after=after, limit=limit + 1)
    items = [ClientOut.of(stored) for stored in found[:limit]]
    return Page(items=items, next=items[-1].client_id if len(found) > limit else None)


@ROUTER.post("", status_code=201)
async def create_client(caller: Caller, room: Room, body: GrantsIn) -> IssuedOut:
    """Register an application; its secret is in this answer and nowhere else."""
    return IssuedOut.of(await room.clients.create(caller, body.grants()))


@ROUTER.get("/{client_id}")
async def read_client(caller: Caller, room: Room, client_id: ClientId) -> ClientOut:
    """Read one client."""
    return ClientOut.of(await room.clients.get(caller, client_id))


@ROUTER.patch("/{client_id}")
async def change_client(
    caller: Caller, room: Room, *, client_id: ClientId, body: GrantsIn
) -> ClientOut:
    """Replace the given parts of a client's grants."""
    return ClientOut.of(await room.clients.change(caller, client_id, body.grants()))


@ROUTER.post("/{client_id}/disable")
async def disable_client(caller: Caller, room: Room, client_id: ClientId) -> ClientOut:
    """Disable a client and revoke its tokens."""
    return ClientOut.of(await room.clients.disable(caller, client_id))


@ROUTER.post("/{client_id}/enable")
async def enable_client(caller: Caller, room: Room, client_id: ClientId) -> ClientOut:
    """Enable a disabled client; its old tokens stay revoked."""
    return ClientOut.of(await room.clients.enable(caller, client_id))


@ROUTER.put("/{client_id}/role")
async def assign_role(caller: Caller, room: Room, *, client_id: ClientId, body: RoleIn) -> RoleOut:
    """Give a client its one role. For owners.

    With a staff role all its credentials end; the fresh one is in this answer and nowhere else.
    """
    return RoleOut.of_change(await room.clients.assign_role(caller, client_id, body.role))


@ROUTER.get("/{client_id}/credentials")
async def list_credentials(caller: Caller, room: Room, client_id: ClientId) -> Page[CredentialOut]:
    """List a client's credentials, which are few: all on one page."""
    found = await room.clients.list_credentials(caller, client_id)
    return Page(items=[CredentialOut.of(credential) for credential in found], next=None)


@ROUTER.post("/{client_id}/credentials/rotate", status_code=201)
async def rotate_credential(caller: Caller, room: Room, client_id: ClientId) -> IssuedOut:
    """Give a client one more credential. Revoke the old one once the new one is rolled out."""
    return IssuedOut.of(await room.clients.add_credential(caller, client_id))


@ROUTER.post("/{client_id}/credentials/{credential_id}/revoke")
async def revoke_credential(
    caller: Caller, room: Room, *, client_id: ClientId, credential_id: CredentialId
) -> CredentialOut:
    """Withdraw one credential."""
    return CredentialOut.of(await room.clients.revoke_credential(caller, client_id, credential_id))
