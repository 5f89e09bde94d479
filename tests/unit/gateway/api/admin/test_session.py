"""Who calls the admin API: proved on every call, by exactly one good token of a staff role."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from fastapi import FastAPI
from starlette.types import Message

from gateway.api.admin.app import PREFIX
from gateway.control.clients import ClientGrants
from gateway.control.room import ControlRoom
from gateway.core.identity import Confirmation, Role
from gateway.core.registry import RevocationKind
from gateway.core.tokens import AccessClaims, sign_access_token
from tests.fakes.control import GRANTS, LOCAL, FakeClock, proof, token_of
from tests.fakes.dpop import DpopKey
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


async def bound_token(room: ControlRoom, key: DpopKey) -> str:
    """Return a token of an operator that is bound to *key*."""
    issued = await room.clients.create(LOCAL, GRANTS, role=Role.OPERATOR)
    now, signing_key = room.clock(), room.snapshots.signing_key()
    claims = AccessClaims(
        issuer=room.tokens.rules.issuer,
        audience=room.tokens.rules.audience,
        client_id=issued.client_id,
        jti="bound",
        issued_at=now,
        expires_at=now + timedelta(minutes=10),
        confirmation=Confirmation(jkt=key.jkt),
    )
    return sign_access_token(claims, signing_key.private, signing_key.kid)


async def test_a_bound_token_opens_with_a_proof(
    room: ControlRoom, app: FastAPI, clock: FakeClock
) -> None:
    """The nonce comes with the refusal, a proof with it opens once, and only here."""
    key = DpopKey()
    token = await bound_token(room, key)
    uri = f"https://gateway.example{CLIENTS}"
    field = ("authorization", f"DPoP {token}")
    async with http(app) as client:
        plain = key.prove("GET", uri, token, at=clock())
        refused = await client.get(CLIENTS, headers=[field, ("dpop", plain)])
        assert refused.status_code == 401
        assert 'error="use_dpop_nonce"' in refused.headers["www-authenticate"]
        nonce = refused.headers["dpop-nonce"]
        good = key.prove("GET", uri, token, at=clock(), nonce=nonce)
        assert (await client.get(CLIENTS, headers=[field, ("dpop", good)])).status_code == 200
        again = await client.get(CLIENTS, headers=[field, ("dpop", good)])
        assert again.status_code == 401
        assert 'error="invalid_dpop_proof"' in again.headers["www-authenticate"]
        elsewhere = key.prove(
            "GET", f"https://evil.example{CLIENTS}", token, at=clock(), nonce=nonce
        )
        headers = [field, ("dpop", elsewhere), ("host", "evil.example")]
        assert (await client.get(CLIENTS, headers=headers)).status_code == 401
        assert (await client.get(CLIENTS, headers=[field])).status_code == 401
        bearer = ("authorization", f"Bearer {token}")
        assert (await client.get(CLIENTS, headers=[bearer])).status_code == 401


async def test_a_proof_does_not_bind_a_bearer_token(
    room: ControlRoom, app: FastAPI, clock: FakeClock
) -> None:
    """The scheme DPoP with a token that is bound to nothing is refused."""
    token, key = await token_of(room, Role.OPERATOR), DpopKey()
    uri = f"https://gateway.example{CLIENTS}"
    nonce = room.snapshots.dpop_nonces().issue(clock())
    proof_ = key.prove("GET", uri, token, at=clock(), nonce=nonce)
    assert await status_of(app, ("authorization", f"DPoP {token}"), ("dpop", proof_)) == 401


@pytest.mark.parametrize("content", [b"{bad", b"[" * 60_000, bytes(100_000)])
async def test_bad_body_without_a_token_is_401(app: FastAPI, content: bytes) -> None:
    """Whoever has no token is told so, whatever the body is."""
    async with http(app) as client:
        response = await client.post(CLIENTS, content=content)
    assert response.status_code == 401
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(("role", "status"), [(None, 401), (Role.APPLICATION, 403)])
async def test_no_body_is_read_before_the_proof(
    room: ControlRoom, app: FastAPI, role: Role | None, status: int
) -> None:
    """Of a call without a token of staff nothing but its head is read."""
    token = None if role is None else await token_of(room, role)

    async def receive() -> Message:
        raise AssertionError("the body was read")

    fields = [(b"content-type", b"application/json")]
    if token is not None:
        fields.append((b"authorization", f"Bearer {token}".encode()))
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": CLIENTS,
        "raw_path": CLIENTS.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": fields,
        "client": ("127.0.0.1", 50_000),
    }
    await app(scope, receive, send)
    assert sent[0]["status"] == status
    headers = dict(sent[0]["headers"])
    assert headers[b"connection"] == b"close"
    assert (b"www-authenticate" in headers) == (status == 401)


@pytest.mark.parametrize("path", ["", "/nothing", "/docs", PREFIX, f"{PREFIX}/openapi.json/"])
async def test_strangers_learn_no_path(app: FastAPI, path: str) -> None:
    """Without a token every path but the document is 401, whether it exists or not."""
    async with http(app) as client:
        assert (await client.get(path)).status_code == 401
        assert (await client.post(f"{PREFIX}/openapi.json", content=b"{")).status_code == 401
        assert (await client.get(f"{PREFIX}/openapi.json")).status_code == 200


@pytest.mark.parametrize("target", [CLIENTS, f"{PREFIX}/nothing", f"{PREFIX}/openapi.json"])
async def test_every_answer_names_its_call(room: ControlRoom, app: FastAPI, target: str) -> None:
    """Answers and refusals alike carry one Request-Id, another for each call."""
    seen = []
    for token in (None, await token_of(room), await token_of(room, Role.OPERATOR)):
        async with http(app, token=token) as client:
            seen += (await client.get(target)).headers.get_list("request-id")
            seen += (await client.post(target, content=b"{")).headers.get_list("request-id")
    assert len(seen) == len(set(seen)) == 6


async def test_bug_names_its_call(room: ControlRoom, app: FastAPI) -> None:
    """An unexpected error has a Request-Id too."""

    @app.get(f"{PREFIX}/bug")
    async def fail() -> None:
        raise RuntimeError("canary")

    async with http(app, token=await token_of(room, Role.OPERATOR)) as client:
        response = await client.get(f"{PREFIX}/bug")
    assert (response.status_code, len(response.headers["request-id"])) == (500, 16)


@pytest.mark.parametrize("is_disabled", [True, False])
async def test_slow_body_does_not_outlast_its_caller(
    room: ControlRoom, app: FastAPI, *, is_disabled: bool
) -> None:
    """Who is withdrawn while the body is on its way is refused when it is whole."""
    issued = await room.clients.create(LOCAL, GRANTS, role=Role.OPERATOR)
    token = (await room.tokens.issue(proof(issued))).token.reveal()
    before = len(await room.clients.list_page(LOCAL))

    async def body() -> AsyncIterator[bytes]:
        yield b"{"
        if is_disabled:
            await room.clients.disable(LOCAL, issued.client_id)
        else:
            await room.clients.assign_role(LOCAL, issued.client_id, Role.AUDITOR)
        yield b"}"

    async with http(app, token=token) as client:
        answer = await client.post(
            f"{PREFIX}/clients", content=body(), headers={"content-type": "application/json"}
        )
    assert answer.status_code == 401
    assert len(await room.clients.list_page(LOCAL)) == before
