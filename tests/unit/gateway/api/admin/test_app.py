"""The admin API: proved callers only, separated roles, and no word of the caller's in an error."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest
from fastapi import FastAPI

from gateway.api.admin.app import PREFIX, build_admin_app
from gateway.api.admin.session import Proofs
from gateway.control.room import ControlRoom
from gateway.core.identity import Role
from tests.fakes.control import token_of
from tests.fakes.http import http

NO_ROOM = SimpleNamespace(clock=None, idempotency=None)
OPERATIONS = [
    (method.upper(), re.sub(r"\{\w+\}", "c", path.removeprefix(f"{PREFIX}/")))
    for path, methods in build_admin_app(NO_ROOM, None).openapi()["paths"].items()
    for method in methods
]
"""Every operation of the app, which needs no room to say them."""


def test_there_are_operations() -> None:
    """The tests below are about something."""
    assert len(OPERATIONS) > 20
    assert ("POST", "clients/c/credentials") in OPERATIONS


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
async def test_no_operation_without_a_token(app: FastAPI, method: str, path: str) -> None:
    """Without a token every operation is 401 in problem+json, with a challenge."""
    async with http(app) as client:
        response = await client.request(method, f"/admin/v1/{path}")
    assert response.status_code == 401
    assert response.headers["www-authenticate"].startswith("Bearer")
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
async def test_no_operation_for_applications(
    room: ControlRoom, app: FastAPI, method: str, path: str
) -> None:
    """A valid token of an application opens nothing here."""
    token = await token_of(room, Role.APPLICATION)
    async with http(app, token=token) as client:
        response = await client.request(method, f"/admin/v1/{path}")
    assert response.status_code == 403


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        (Role.OPERATOR, {"clients", "keys", "revocations", "status"}),
        (Role.AUDITOR, {"access-log", "audit", "status"}),
        (Role.OWNER, {"clients"}),
    ],
)
async def test_each_role_reads_its_own(
    room: ControlRoom, app: FastAPI, role: Role, allowed: set[str]
) -> None:
    """A staff role reads what its row of the table says, and nothing else."""
    async with http(app, token=await token_of(room, role)) as client:
        for noun in ("clients", "keys", "revocations", "access-log", "audit", "status"):
            status = (await client.get(f"/admin/v1/{noun}")).status_code
            assert status == (200 if noun in allowed else 403), noun


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b'{"canary\\n":1}', 422),
        (b'{"models":["canary\\n"]}', 422),
        (b'{"networks":["canary"]}', 422),
        (b'{"plaintext_allowed":"canary"}', 422),
        (b'{"models":{"canary":1}}', 422),
        (b"canary", 400),
        (b'["canary"]', 400),
    ],
)
async def test_errors_echo_nothing(
    room: ControlRoom, app: FastAPI, content: bytes, status: int
) -> None:
    """An invalid body is a refusal in problem+json that holds none of it."""
    headers = {"content-type": "application/json"}
    async with http(app, token=await token_of(room, Role.OPERATOR)) as client:
        response = await client.post("/admin/v1/clients", content=content, headers=headers)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert "canary" not in response.text


async def test_limits_of_paging_and_body(room: ControlRoom, app: FastAPI) -> None:
    """A page above the limit is 422, a body above 64 KiB is 413, an unknown path 404."""
    async with http(app, token=await token_of(room, Role.OPERATOR)) as client:
        assert (await client.get("/admin/v1/clients?limit=201")).status_code == 422
        assert (await client.post("/admin/v1/clients", content=bytes(65537))).status_code == 413
        assert (await client.get("/admin/v1/nothing")).status_code == 404
        assert (await client.get("/admin/v1/openapi.json")).status_code == 200
        assert (await client.get("/docs")).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("DELETE", "clients", "GET, POST"),
        ("PUT", "clients/c", "GET, PATCH"),
        ("GET", "clients/c/role", "PUT"),
        ("POST", "status", "GET"),
        ("PUT", "openapi.json", "GET, HEAD"),
    ],
)
async def test_wrong_method_is_405(
    room: ControlRoom, app: FastAPI, method: str, path: str, allow: str
) -> None:
    """A method that the path does not have is told with all those it has."""
    async with http(app, token=await token_of(room, Role.OPERATOR)) as client:
        response = await client.request(method, f"/admin/v1/{path}")
    assert response.status_code == 405
    assert response.headers["allow"] == allow
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["code"] == "method_not_allowed"


async def test_calls_are_limited_per_address(room: ControlRoom, proofs: Proofs) -> None:
    """Calls without a token count too, so nobody can try tokens without end."""
    app = build_admin_app(room, proofs, calls_per_minute=2)
    async with http(app) as client:
        answers = [await client.get("/admin/v1/status") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [401, 401, 429]
    assert 1 <= int(answers[2].headers["retry-after"]) <= 60
