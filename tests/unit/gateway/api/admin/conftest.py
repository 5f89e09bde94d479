"""The admin app over the control room, and callers of each role."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import httpx
import pytest
from fastapi import FastAPI

from gateway.api.admin.app import PREFIX, build_admin_app
from gateway.api.admin.session import Proofs
from gateway.backends.memory_replay import MemoryReplayStore
from gateway.control.room import ControlRoom
from gateway.core.identity import Role
from gateway.core.token_verifier import TokenVerifier
from tests.fakes.control import token_of
from tests.fakes.http import http

CallAs = Callable[[Role], Awaitable[httpx.AsyncClient]]


@pytest.fixture
def app(room: ControlRoom, proofs: Proofs) -> FastAPI:
    """Return the admin app."""
    return build_admin_app(room, proofs)


@pytest.fixture
def proofs(room: ControlRoom) -> Proofs:
    """Return what the callers of *room* are proved with."""
    return Proofs(
        verifier=TokenVerifier(room.tokens.rules.expectations),
        replay_store=MemoryReplayStore(room.clock),
        authorities=frozenset({b"gateway.example"}),
        nonces=room.snapshots.dpop_nonces,
    )


@pytest.fixture
async def call_as(room: ControlRoom, app: FastAPI) -> AsyncIterator[CallAs]:
    """Give a function that returns an HTTP client with a fresh token of a role."""
    async with AsyncExitStack() as stack:

        async def call(role: Role) -> httpx.AsyncClient:
            client = await stack.enter_async_context(http(app, token=await token_of(room, role)))
            client.base_url = client.base_url.join(f"{PREFIX}/")
            return client

        yield call


@pytest.fixture
async def operator(call_as: CallAs) -> httpx.AsyncClient:
    """Return an HTTP client of an operator."""
    return await call_as(Role.OPERATOR)


@pytest.fixture
async def auditor(call_as: CallAs) -> httpx.AsyncClient:
    """Return an HTTP client of an auditor."""
    return await call_as(Role.AUDITOR)


@pytest.fixture
async def owner(call_as: CallAs) -> httpx.AsyncClient:
    """Return an HTTP client of an owner."""
    return await call_as(Role.OWNER)
