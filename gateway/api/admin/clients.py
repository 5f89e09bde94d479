"""Clients, their credentials and roles over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from gateway.api.admin.client_shapes import (
    ClientIn,
    ClientOut,
    GrantsIn,
    RoleIn,
    RoleOut,
)
from gateway.api.admin.credential_shapes import CredentialIn, CredentialOut, IssuedOut
from gateway.api.admin.preconditions import ToChange, entity_tag
from gateway.api.admin.session import Caller, Limit, Room, Skip
from gateway.api.admin.shapes import Page
from gateway.control.credentials import SECRET

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


@ROUTER.post("", status_code=201, response_model_exclude_none=True)
async def create_client(
    caller: Caller, room: Room, *, body: ClientIn, response: Response
) -> IssuedOut:
    """Register an application; its secret, if it gets one, is in this answer and nowhere else."""
    proof = None if body.credential is None else body.credential.proof()
    stored, made = await room.clients.register(caller, body.grants(), proof=proof)
    response.headers["ETag"] = entity_tag(stored.version)
    return IssuedOut.of_made(stored.client.client_id, made)


@ROUTER.get("/{client_id}")
async def read_client(
    caller: Caller, room: Room, *, client_id: ClientId, response: Response
) -> ClientOut:
    """Read one client."""
    stored = await room.clients.get(caller, client_id)
    response.headers["ETag"] = entity_tag(stored.version)
    return ClientOut.of(stored)


@ROUTER.patch("/{client_id}")
async def change_client(
    caller: Caller, room: Room, *, target: ToChange, body: GrantsIn
) -> ClientOut:
    """Replace the given parts of a client's grants."""
    changed = await room.clients.change(
        caller, target.client_id, body.grants(), expected_version=target.expected_version
    )
    return ClientOut.of(target.tag(changed))


@ROUTER.post("/{client_id}/disable")
async def disable_client(caller: Caller, room: Room, target: ToChange) -> ClientOut:
    """Disable a client and revoke its tokens."""
    changed = await room.clients.disable(
        caller, target.client_id, expected_version=target.expected_version
    )
    return ClientOut.of(target.tag(changed))


@ROUTER.post("/{client_id}/enable")
async def enable_client(caller: Caller, room: Room, target: ToChange) -> ClientOut:
    """Enable a disabled client; its old tokens stay revoked."""
    changed = await room.clients.enable(
        caller, target.client_id, expected_version=target.expected_version
    )
    return ClientOut.of(target.tag(changed))


@ROUTER.put("/{client_id}/role")
async def assign_role(caller: Caller, room: Room, *, target: ToChange, body: RoleIn) -> RoleOut:
    """Give a client its one role. For owners.

    With a staff role all its credentials end; the fresh one is in this answer and nowhere else.
    """
    changed = await room.clients.assign_role(
        caller, target.client_id, body.role, expected_version=target.expected_version
    )
    target.tag(changed.stored)
    return RoleOut.of_change(changed)


@ROUTER.get("/{client_id}/credentials")
async def list_credentials(
    caller: Caller, room: Room, *, client_id: ClientId, skip: Skip = 0, limit: Limit = 50
) -> Page[CredentialOut]:
    """List a client's credentials, oldest first, those that were withdrawn included."""
    found = await room.credentials.list_page(caller, client_id, skip=skip, limit=limit + 1)
    items = [CredentialOut.of(credential) for credential in found[:limit]]
    return Page(items=items, next=str(skip + limit) if len(found) > limit else None)


@ROUTER.post("/{client_id}/credentials", status_code=201, response_model_exclude_none=True)
async def add_credential(
    caller: Caller, room: Room, *, target: ToChange, body: CredentialIn
) -> IssuedOut:
    """Give a client one more credential of any kind."""
    added = await room.credentials.add(
        caller, target.client_id, body.proof(), expected_version=target.expected_version
    )
    target.tag(added.stored)
    return IssuedOut.of_made(target.client_id, added.made)


@ROUTER.post("/{client_id}/credentials/rotate", status_code=201, response_model_exclude_none=True)
async def rotate_credential(caller: Caller, room: Room, target: ToChange) -> IssuedOut:
    """Give a client one more secret. Revoke the old one once the new one is rolled out."""
    added = await room.credentials.add(
        caller, target.client_id, SECRET, expected_version=target.expected_version
    )
    target.tag(added.stored)
    return IssuedOut.of_made(target.client_id, added.made)


@ROUTER.post("/{client_id}/credentials/{credential_id}/revoke")
async def revoke_credential(
    caller: Caller, room: Room, *, target: ToChange, credential_id: CredentialId
) -> CredentialOut:
    """Withdraw one credential, and every token that was fetched with it."""
    revoked = await room.credentials.revoke(
        caller, target.client_id, credential_id, expected_version=target.expected_version
    )
    target.tag(revoked.stored)
    return CredentialOut.of(revoked.credential)
