"""Who calls the admin API: proved on every call, by exactly one good token of a staff role."""

from __future__ import annotations

import pytest
from fastapi import FastAPI

from gateway.api.admin.app import PREFIX
from gateway.control.clients import ClientGrants
from gateway.control.room import ControlRoom
from gateway.core.identity import Role
from gateway.core.registry import RevocationKind
from tests.fakes.control import GRANTS, LOCAL, FakeClock, proof, token_of
from tests.fakes.http import http

CLIENTS = f"{PREFIX}/clients"


async def status_of(app: FastAPI, *headers: tuple[str, str], address: str = "127.0.0.1") -> int:
    """Return how a call with these headers is answered."""
    async with http(app, address=address) as client:
        return (await client.get(CLIENTS, headers=list(headers))).status_code


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_one_bearer_token_opens(room: ControlRoom, app: FastAPI, scheme: str) -> None:
    """A token of staff opens, however its scheme is written."""
    token = await token_of(room, Role.OPERATOR)
    assert await status_of(app, ("authorization", f"{scheme} {token}")) == 200


@pytest.mark.parametrize("form", ["Basic {}", "{}", "Bearer", "Bearer ", "Bearer {}x", ""])
async def test_other_forms_are_refused(room: ControlRoom, app: FastAPI, form: str) -> None:
    """Another scheme, no token and a changed token are all 401."""
    token = await token_of(room, Role.OPERATOR)
    assert await status_of(app, ("authorization", form.format(token))) == 401


async def test_two_tokens_are_refused(room: ControlRoom, app: FastAPI) -> None:
    """Of two tokens nobody chooses one, even when they are the same."""
    field = ("authorization", f"Bearer {await token_of(room, Role.OPERATOR)}")
    assert await status_of(app, field, field) == 401


async def test_foreign_address_is_refused(room: ControlRoom, app: FastAPI) -> None:
    """A token counts only from the networks of its client."""
    field = ("authorization", f"Bearer {await token_of(room, Role.OPERATOR)}")
    assert await status_of(app, field, address="192.0.2.1") == 403


async def test_expired_token_is_refused(room: ControlRoom, app: FastAPI, clock: FakeClock) -> None:
    """A token that was good is refused after its hour."""
    field = ("authorization", f"Bearer {await token_of(room, Role.OPERATOR)}")
    assert await status_of(app, field) == 200
    clock.advance(seconds=3631)
    await room.snapshots.check()
    assert await status_of(app, field) == 401


async def test_revocation_counts_on_the_next_call(room: ControlRoom, app: FastAPI) -> None:
    """Nothing is remembered between two calls: a client that was revoked is out."""
    issued = await room.clients.create(LOCAL, GRANTS, role=Role.OPERATOR)
    token = (await room.tokens.issue(proof(issued))).token.reveal()
    field = ("authorization", f"Bearer {token}")
    assert await status_of(app, field) == 200
    await room.revocations.revoke(LOCAL, RevocationKind.CLIENT_ID, subject=issued.client_id)
    assert await status_of(app, field) == 401


async def test_narrowed_networks_count_on_the_next_call(room: ControlRoom, app: FastAPI) -> None:
    """A client without a network left is refused with the token it already has."""
    issued = await room.clients.create(LOCAL, GRANTS, role=Role.OPERATOR)
    token = (await room.tokens.issue(proof(issued))).token.reveal()
    await room.clients.change(LOCAL, issued.client_id, ClientGrants(networks=()))
    assert await status_of(app, ("authorization", f"Bearer {token}")) == 403


@pytest.mark.parametrize("role", [Role.APPLICATION, Role.DEVELOPER])
async def test_only_staff_passes(room: ControlRoom, app: FastAPI, role: Role) -> None:
    """Applications and developers are refused before any use case is asked."""
    field = ("authorization", f"Bearer {await token_of(room, role)}")
    assert await status_of(app, field) == 403


async def test_lost_store_is_503(room: ControlRoom, app: FastAPI, clock: FakeClock) -> None:
    """When the snapshot is too old to be trusted, every call is refused with 503."""
    token = await token_of(room, Role.OPERATOR)
    clock.advance(seconds=6)
    async with http(app, token=token) as client:
        response = await client.get(CLIENTS)
    assert response.status_code == 503
    assert "retry-after" in response.headers
    assert (await room.clients.list_page(LOCAL)) != []
