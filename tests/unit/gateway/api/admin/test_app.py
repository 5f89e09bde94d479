"""The admin API: proved callers only, separated roles, and no word of the caller's in an error."""

from __future__ import annotations

import pytest
from fastapi import FastAPI

from gateway.api.admin.app import build_admin_app
from gateway.control.room import ControlRoom
from gateway.core.identity import Role
from tests.fakes.control import LOCAL, FakeClock, token_of
from tests.fakes.http import http

OPERATIONS = [
    ("GET", "clients"),
    ("POST", "clients"),
    ("GET", "clients/c"),
    ("PATCH", "clients/c"),
    ("POST", "clients/c/disable"),
    ("POST", "clients/c/enable"),
    ("PUT", "clients/c/role"),
    ("GET", "clients/c/credentials"),
    ("POST", "clients/c/credentials/rotate"),
    ("POST", "clients/c/credentials/i/revoke"),
    ("GET", "keys"),
    ("POST", "keys/signing/rotate"),
    ("POST", "keys/k/revoke"),
    ("GET", "revocations"),
    ("POST", "revocations"),
    ("GET", "access-log"),
    ("GET", "access-log/2026-11-23"),
    ("POST", "access-log/purge"),
    ("GET", "status"),
]


@pytest.fixture
def app(room: ControlRoom) -> FastAPI:
    """Return the admin app."""
    return build_admin_app(room)


def test_list_of_operations_is_complete(app: FastAPI) -> None:
    """The table above names every operation of the app, so the tests below miss none."""
    paths = app.openapi()["paths"]
    assert sum(len(methods) for methods in paths.values()) == len(OPERATIONS)


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
        (Role.AUDITOR, {"access-log", "status"}),
        (Role.OWNER, {"clients"}),
    ],
)
async def test_each_role_reads_its_own(
    room: ControlRoom, app: FastAPI, role: Role, allowed: set[str]
) -> None:
    """A staff role reads what its row of the table says, and nothing else."""
    async with http(app, token=await token_of(room, role)) as client:
        for noun in ("clients", "keys", "revocations", "access-log", "status"):
            status = (await client.get(f"/admin/v1/{noun}")).status_code
            assert status == (200 if noun in allowed else 403), noun


async def test_address_and_token_are_checked_on_every_call(
    room: ControlRoom, app: FastAPI, clock: FakeClock
) -> None:
    """A foreign address, two tokens, an expired token: refused."""
    token = await token_of(room, Role.OPERATOR)
    async with http(app, token=token, address="192.0.2.1") as client:
        assert (await client.get("/admin/v1/clients")).status_code == 403
    async with http(app) as client:
        twice = [("authorization", f"Bearer {token}")] * 2
        assert (await client.get("/admin/v1/clients", headers=twice)).status_code == 401
    clock.advance(seconds=3631)
    await room.snapshots.check()
    async with http(app, token=token) as client:
        assert (await client.get("/admin/v1/clients")).status_code == 401


async def test_life_of_a_client(room: ControlRoom, app: FastAPI) -> None:
    """Register, read, change, rotate, revoke and disable, each answered with the new state."""
    async with http(app, token=await token_of(room, Role.OPERATOR)) as client:
        body = {"models": ["tiny"], "networks": ["127.0.0.0/8"]}
        created = await client.post("/admin/v1/clients", json=body)
        assert created.status_code == 201
        path = f"/admin/v1/clients/{created.json()['client_id']}"
        assert (await client.get(path)).json()["role"] == "application"
        changed = await client.patch(path, json={"networks": ["10.0.0.0/8"]})
        assert changed.json()["networks"] == ["10.0.0.0/8"]
        assert changed.json()["models"] == ["tiny"]
        assert (await client.post(f"{path}/credentials/rotate")).status_code == 201
        old = f"{path}/credentials/{created.json()['credential_id']}/revoke"
        assert (await client.post(old)).json()["revoked_at"]
        shown = (await client.get(f"{path}/credentials")).text
        assert "hash" not in shown
        assert created.json()["client_secret"] not in shown
        assert (await client.post(f"{path}/disable")).json()["disabled"] is True
        assert (await client.post(f"{path}/enable")).json()["disabled"] is False
        assert (await client.put(f"{path}/role", json={"role": "owner"})).status_code == 403


async def test_owner_assigns_a_role(room: ControlRoom, app: FastAPI) -> None:
    """An owner makes an auditor of an application."""
    operator, owner = await token_of(room, Role.OPERATOR), await token_of(room, Role.OWNER)
    async with http(app, token=operator) as client:
        name = (await client.post("/admin/v1/clients", json={})).json()["client_id"]
    async with http(app, token=owner) as client:
        answer = await client.put(f"/admin/v1/clients/{name}/role", json={"role": "auditor"})
    assert answer.json()["role"] == "auditor"


async def test_lists_are_paged(room: ControlRoom, app: FastAPI) -> None:
    """Following next visits every client once."""
    async with http(app, token=await token_of(room, Role.OPERATOR)) as client:
        for _ in range(4):
            await client.post("/admin/v1/clients", json={})
        seen, after = [], ""
        while after is not None:
            query = {"limit": 2, "after": after}
            page = (await client.get("/admin/v1/clients", params=query)).json()
            seen += [item["client_id"] for item in page["items"]]
            after = page["next"]
    assert len(seen) == len(set(seen)) == 5


async def test_keys_and_revocations(room: ControlRoom, app: FastAPI) -> None:
    """Keys rotate and are revoked, revocations are made and listed, and no key byte is shown."""
    async with http(app, token=await token_of(room, Role.OPERATOR)) as client:
        rotated = (await client.post("/admin/v1/keys/encryption/rotate")).json()["items"]
        assert rotated[0]["state"] == "active"
        revoked = await client.post(f"/admin/v1/keys/{rotated[0]['kid']}/revoke")
        assert revoked.json()["state"] == "revoked"
        keys = (await client.get("/admin/v1/keys", params={"limit": 2})).json()
        assert keys["next"] == "2"
        assert not {"public", "wrapped_private"} & set(keys["items"][0])
        body = {"kind": "jti", "subject": "stolen"}
        assert (await client.post("/admin/v1/revocations", json=body)).status_code == 201
        assert "stolen" in room.snapshots.current().revocations.jtis
        listed = (await client.get("/admin/v1/revocations", params={"limit": 1})).json()
        assert listed["next"] == "1"
        status = (await client.get("/admin/v1/status")).json()
        assert status["revocations"] == {"jti": 1, "client_id": 0, "kid": 1}


async def test_access_log(room: ControlRoom, app: FastAPI) -> None:
    """An auditor reads a missing day as 404; an operator purges."""
    async with http(app, token=await token_of(room, Role.AUDITOR)) as client:
        assert (await client.get("/admin/v1/access-log")).json() == {"days": []}
        assert (await client.get("/admin/v1/access-log/2026-11-23")).status_code == 404
    async with http(app, token=await token_of(room, Role.OPERATOR)) as client:
        purged = await client.post("/admin/v1/access-log/purge", params={"older_than_days": 0})
        assert purged.json() == {"days": []}


@pytest.mark.parametrize(
    "content",
    [
        b'{"canary":1}',
        b'{"models":["canary\\n"]}',
        b'{"networks":["canary"]}',
        b'{"plaintext_allowed":"canary"}',
        b"canary",
        b'["canary"]',
        b'{"models":{"canary":1}}',
    ],
)
async def test_errors_echo_nothing(room: ControlRoom, app: FastAPI, content: bytes) -> None:
    """An invalid body is a 400 in problem+json that holds none of it."""
    headers = {"content-type": "application/json"}
    async with http(app, token=await token_of(room, Role.OPERATOR)) as client:
        response = await client.post("/admin/v1/clients", content=content, headers=headers)
    assert response.status_code == 400
    assert response.headers["content-type"] == "application/problem+json"
    assert "canary" not in response.text


async def test_limits_of_paging_and_body(room: ControlRoom, app: FastAPI) -> None:
    """A page above the limit is 400, a body above 64 KiB is 413, an unknown path 404."""
    async with http(app, token=await token_of(room, Role.OPERATOR)) as client:
        assert (await client.get("/admin/v1/clients?limit=201")).status_code == 400
        assert (await client.post("/admin/v1/clients", content=bytes(65537))).status_code == 413
        assert (await client.get("/admin/v1/nothing")).status_code == 404
        assert (await client.get("/admin/v1/openapi.json")).status_code == 200
        assert (await client.get("/docs")).status_code == 404


async def test_lost_store_is_503(room: ControlRoom, app: FastAPI, clock: FakeClock) -> None:
    """When the snapshot is too old to be trusted, every call is refused with 503."""
    token = await token_of(room, Role.OPERATOR)
    clock.advance(seconds=6)
    async with http(app, token=token) as client:
        response = await client.get("/admin/v1/status")
    assert response.status_code == 503
    assert "retry-after" in response.headers
    assert (await room.clients.list_page(LOCAL)) != []
