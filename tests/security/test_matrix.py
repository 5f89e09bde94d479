"""Who may do what: every route of both listeners, with every role, and with every kind of token.

The tables below say what each route asks for. They are compared with the real route tables, so a
new route without a line here fails.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import pytest

from gateway.api.admin.app import PREFIX, build_admin_app
from gateway.api.edge import Edge, Route
from gateway.app import build_applications
from gateway.backends.memory_replay import MemoryReplayStore
from gateway.backends.quotas import LimitsQuotaStore
from gateway.backends.shared_memory import SharedMemory
from gateway.configured_stages import Outside
from gateway.control.clients import ClientGrants
from gateway.control.room import ControlRoom
from gateway.core.access_log import AccessRecord
from gateway.core.audit import Outcome
from gateway.core.grants import every_operation
from gateway.core.identity import Role
from gateway.core.policy import ROLE_PERMISSIONS, Permission
from gateway.core.registry import RevocationKind
from gateway.core.tokens import AccessClaims, sign_access_token
from gateway.settings import load_configuration
from tests.fakes.asgi import Answer, call, scope
from tests.fakes.control import AUDIENCE, ISSUER, LOCAL, FakeClock, make_room
from tests.fakes.world import FakeAnswer, FakeUpstream

STAFF = {Role.OPERATOR, Role.AUDITOR, Role.OWNER}
ANY_STAFF = None
"""In the place of a permission: whoever passes the gate of the admin listener."""

ADMIN: dict[Route, Permission | None] = {
    ("GET", "clients"): Permission.READ_CLIENTS,
    ("POST", "clients"): Permission.WRITE_CLIENTS,
    ("GET", "clients/{client_id}"): Permission.READ_CLIENTS,
    ("PATCH", "clients/{client_id}"): Permission.WRITE_CLIENTS,
    ("POST", "clients/{client_id}/disable"): Permission.WRITE_CLIENTS,
    ("POST", "clients/{client_id}/enable"): Permission.WRITE_CLIENTS,
    ("PUT", "clients/{client_id}/role"): Permission.ASSIGN_ROLES,
    ("GET", "clients/{client_id}/credentials"): Permission.READ_CLIENTS,
    ("POST", "clients/{client_id}/credentials"): Permission.WRITE_CLIENTS,
    ("POST", "clients/{client_id}/credentials/rotate"): Permission.WRITE_CLIENTS,
    ("POST", "clients/{client_id}/credentials/{credential_id}/revoke"): Permission.WRITE_CLIENTS,
    ("GET", "keys"): Permission.READ_KEYS,
    ("POST", "keys/rewrap"): Permission.WRITE_KEYS,
    ("POST", "keys/{use}/rotate"): Permission.WRITE_KEYS,
    ("POST", "keys/{kid}/revoke"): Permission.WRITE_KEYS,
    ("GET", "revocations"): Permission.READ_REVOCATIONS,
    ("POST", "revocations"): Permission.WRITE_REVOCATIONS,
    ("GET", "access-log"): Permission.READ_ACCESS_LOG,
    ("GET", "access-log/days"): Permission.READ_ACCESS_LOG,
    ("GET", "access-log/segments"): Permission.READ_ACCESS_LOG,
    ("POST", "access-log/purge"): Permission.PURGE_ACCESS_LOG,
    ("GET", "audit"): Permission.READ_AUDIT,
    ("GET", "audit/verify"): Permission.READ_AUDIT,
    ("GET", "audit/export"): Permission.READ_AUDIT,
    ("GET", "models"): Permission.READ_MODELS,
    ("GET", "roles"): ANY_STAFF,
    ("GET", "backends"): Permission.READ_STATUS,
    ("POST", "backends/{name}/drain"): Permission.WRITE_BACKENDS,
    ("POST", "backends/{name}/undrain"): Permission.WRITE_BACKENDS,
    ("GET", "permissions/usage"): Permission.READ_PERMISSIONS,
    ("POST", "permissions/reclaim"): Permission.RECLAIM_PERMISSIONS,
    ("POST", "permissions/restore"): Permission.RECLAIM_PERMISSIONS,
    ("GET", "proposals"): Permission.READ_PROPOSALS,
    ("POST", "proposals/{proposal_id}/approve"): Permission.DECIDE_PROPOSALS,
    ("POST", "proposals/{proposal_id}/reject"): Permission.DECIDE_PROPOSALS,
    ("GET", "status"): Permission.READ_STATUS,
}
BODIES = {
    ("POST", "clients"): {},
    ("PATCH", "clients/{client_id}"): {},
    ("PUT", "clients/{client_id}/role"): {"role": "auditor"},
    ("POST", "clients/{client_id}/credentials"): {"kind": "client_secret_basic"},
    ("POST", "revocations"): {"kind": "jti", "subject": "j"},
    ("POST", "permissions/reclaim"): {"idle_days": 30},
    ("POST", "permissions/restore"): {"client_id": "c-0", "permission": "models:list"},
}
NAMES = {"use": "document"}
"""What stands for a name in a path; otherwise one that is not there, so that nothing is done."""

OPEN_ADMIN = {("GET", "/livez"), ("GET", "/readyz"), ("GET", "/metrics")}
OPEN = {
    ("GET", "/livez"),
    ("GET", "/readyz"),
    ("GET", "/.well-known/ohttp-gateway"),
    ("GET", "/encryption/keys"),
    ("GET", "/openapi.json"),
    ("GET", "/oauth2/jwks"),
    ("GET", "/.well-known/oauth-authorization-server"),
}
BY_CREDENTIAL = {
    ("POST", "/oauth2/token"),
    ("POST", "/oauth2/revoke"),
    ("POST", "/oauth2/introspect"),
}
SEALED = {("POST", "/.well-known/ohttp-gateway")}
INFERENCE = {
    ("POST", "/v1/chat/completions"): {
        "model": "draft",
        "messages": [{"role": "user", "content": "x"}],
    },
    ("POST", "/v1/completions"): {"model": "draft", "prompt": "x"},
    ("POST", "/v1/responses"): {"model": "draft", "input": "x"},
    ("POST", "/v1/messages"): {
        "model": "draft",
        "max_tokens": 5,
        "messages": [{"role": "user", "content": "x"}],
    },
    ("POST", "/v1/embeddings"): {"model": "draft", "input": "x"},
    ("GET", "/v1/models"): None,
    ("GET", "/v1/models/tiny"): None,
    ("GET", "/v1/models/draft"): None,
}


class World(NamedTuple):
    """Both listeners, what they are built over, and tokens of each kind for each role."""

    public: Edge
    admin: Edge
    room: ControlRoom
    upstream: FakeUpstream
    good: dict[Role, str]
    bad: dict[str, dict[Role, str]]


class Records:
    """An access log that forgets."""

    def write(self, record: AccessRecord) -> None:
        """Forget *record*."""


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Give both listeners, and a client of every role with tokens of every kind."""
    clock = FakeClock()
    room = make_room(tmp_path, clock)
    await room.keys.ensure_first()
    config = tmp_path / "sealgate.toml"
    config.write_text("[models.tiny]\n[models.draft]\nproduction = false\n", "utf-8")
    upstream = FakeUpstream(FakeAnswer([b'{"choices":[]}']))
    memory = SharedMemory(LimitsQuotaStore.in_memory(clock))
    outside = Outside(upstream, MemoryReplayStore(clock), memory, Records())
    apps = build_applications(load_configuration(config), room, outside)
    names = {role: await register(room, role) for role in Role}
    expired = {role: sign(room, name) for role, name in names.items()}
    clock.advance(hours=1, seconds=62)
    await room.snapshots.refresh()
    good = {role: sign(room, name) for role, name in names.items()}
    revoked = {role: sign(room, name, jti=f"revoked-{role}") for role, name in names.items()}
    for role in Role:
        await room.revocations.revoke(LOCAL, RevocationKind.JTI, subject=f"revoked-{role}")
    malformed = {role: token[:-4] + "AAAA" for role, token in good.items()}
    nothing = dict.fromkeys(Role, "")
    bad = {"none": nothing, "malformed": malformed, "expired": expired, "revoked": revoked}
    assert isinstance(apps.public, Edge)
    assert isinstance(apps.admin, Edge)
    yield World(apps.public, apps.admin, room, upstream, good, bad)
    await room.close()


async def register(room: ControlRoom, role: Role) -> str:
    """Register a client of *role* that may call both models in the clear from here."""
    grants = ClientGrants(
        grants=every_operation({"tiny", "draft"}),
        networks=(ip_network("127.0.0.0/8"),),
        plaintext_allowed=True,
    )
    registered = await room.clients.register(LOCAL, grants, role=role, proof=None)
    return registered.stored.client.client_id


def sign(room: ControlRoom, client_id: str, *, jti: str = "j") -> str:
    """Return an access token of *client_id* for an hour from now."""
    key, now = room.snapshots.signing_key(), room.clock()
    claims = AccessClaims(ISSUER, AUDIENCE, client_id, jti, now, now + timedelta(hours=1))
    return sign_access_token(claims, key.private, key.kid)


async def ask(app: Edge, route: Route, token: str, body: object) -> Answer:
    """Return the answer to a call of *route* with a token, if there is one, and a JSON body."""
    headers = [(b"host", b"127.0.0.1:8443")]
    if token:
        headers.append((b"authorization", f"Bearer {token}".encode()))
    if body is None:
        return await call(app, scope(*route, headers))
    headers.append((b"content-type", b"application/json"))
    return await call(app, scope(*route, headers), json.dumps(body).encode())


async def done(room: ControlRoom) -> tuple[int, int]:
    """Return the revision of the store, and how many acts were done."""
    rows = await room.store.list_audit(after=0, limit=10_000)
    return await room.store.revision(), sum(row.entry.outcome is Outcome.DONE for row in rows)


def target(template: str) -> str:
    """Return a path of the admin API with a name in each place."""
    return f"{PREFIX}/" + re.sub(r"\{(\w+)\}", lambda m: NAMES.get(m[1], "x-0"), template)


def test_table_of_the_admin_api_is_complete() -> None:
    """Every route of the admin API has its line, and no line is for a route that is gone."""
    no_room = SimpleNamespace(clock=None, idempotency=None)
    paths = build_admin_app(no_room, None).openapi()["paths"]
    routes = {(m.upper(), p.removeprefix(f"{PREFIX}/")) for p, ms in paths.items() for m in ms}
    assert routes == set(ADMIN)


def test_tables_of_the_listeners_are_complete(world: World) -> None:
    """Every exact route of both listeners has its line."""
    assert set(world.public._routes) == OPEN | BY_CREDENTIAL
    assert set(world.public._inference) == SEALED | set(INFERENCE)
    assert set(world.admin._routes) == OPEN_ADMIN


@pytest.mark.parametrize("route", ADMIN, ids=" ".join)
async def test_admin_route_asks_for_its_permission(world: World, route: Route) -> None:
    """Without a good token 401, without the permission 403, and nothing is done either way."""
    method, template = route
    permission, body = ADMIN[route], BODIES.get(route)
    before = await done(world.room)
    for tokens in world.bad.values():
        for token in tokens.values():
            answer = await ask(world.admin, (method, target(template)), token, body)
            assert answer.status == 401
            assert answer.headers[b"content-type"] == b"application/problem+json"
            assert b"www-authenticate" in answer.headers
    holders = {
        role for role in STAFF if permission is ANY_STAFF or permission in ROLE_PERMISSIONS[role]
    }
    for role in set(Role) - holders:
        answer = await ask(world.admin, (method, target(template)), world.good[role], body)
        assert (role, answer.status) == (role, 403)
    assert await done(world.room) == before
    assert holders
    for role in holders:
        answer = await ask(world.admin, (method, target(template)), world.good[role], body)
        assert answer.status in {200, 201, 404}, (role, answer.body)


@pytest.mark.parametrize("route", INFERENCE, ids=" ".join)
async def test_inference_asks_for_a_role(world: World, route: Route) -> None:
    """Applications and developers call models; whoever has no good token, and staff, does not."""
    body = INFERENCE[route]
    for tokens in world.bad.values():
        for token in tokens.values():
            assert (await ask(world.public, route, token, body)).status == 401
    for role in STAFF:
        assert (await ask(world.public, route, world.good[role], body)).status == 403
    assert world.upstream.requests == []
    for role in set(Role) - STAFF:
        answer = await ask(world.public, route, world.good[role], body)
        assert answer.status not in {401, 403, 415}


@pytest.mark.parametrize("route", sorted(OPEN | OPEN_ADMIN), ids=" ".join)
async def test_open_route_asks_for_nothing(world: World, route: Route) -> None:
    """What is open is so for everybody, whatever token they send."""
    app = world.public if route in OPEN else world.admin
    tokens = ["", *world.good.values(), *world.bad["expired"].values()]
    statuses = {(await ask(app, route, token, None)).status for token in tokens}
    assert len(statuses) == 1
    assert statuses <= {200, 503}  # not ready, for the background tasks do not run here


@pytest.mark.parametrize("route", sorted(BY_CREDENTIAL | SEALED), ids=" ".join)
async def test_bearer_token_is_no_credential(world: World, route: Route) -> None:
    """The token service and the sealed entrance give nothing for an access token in the head."""
    before = await done(world.room)
    for token in ("", *world.good.values(), *world.bad["revoked"].values()):
        answer = await ask(world.public, route, token, {})
        assert 400 <= answer.status < 500
    assert await done(world.room) == before
    assert world.upstream.requests == []


@pytest.mark.parametrize("path", ["/admin/v1/clients", "/admin/v1/openapi.json", "/metrics"])
async def test_admin_is_not_on_the_public_listener(world: World, path: str) -> None:
    """Not even an owner finds the admin API at the public address."""
    for token in ("", *world.good.values()):
        assert (await ask(world.public, ("GET", path), token, None)).status == 404
