"""The token endpoint: strict in what it reads, and in RFC 6749's words when it refuses."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import httpx
import pytest
from cryptography import x509
from fastapi import FastAPI

from gateway.api.oauth.app import OAUTH_ROUTES, OauthServices, build_oauth_app
from gateway.control.clients import IssuedCredential
from gateway.control.room import ControlRoom
from gateway.core.client_assertion import ASSERTION_TYPE
from gateway.core.client_certificates import certificate_thumbprint
from gateway.core.grants import TokenBinding
from gateway.core.keyring import KeyUse
from gateway.core.registry import CredentialKind
from gateway.core.tokens import verify_access_token
from tests.fakes.control import AUDIENCE, GRANTS, ISSUER, LOCAL
from tests.fakes.http import http
from tests.fakes.oauth import KeyPair, add_credential, add_key, bind, certificate

FORM = {"content-type": "application/x-www-form-urlencoded"}
GRANT = "grant_type=client_credentials"


@pytest.fixture
async def issued(room: ControlRoom) -> IssuedCredential:
    """Return a registered client."""
    return await room.clients.create(LOCAL, GRANTS)


def services(room: ControlRoom, **changes: Any) -> OauthServices:
    """Return what the app needs."""
    return OauthServices(room.tokens, room.snapshots, ISSUER, room.clock, **changes)


@pytest.fixture
def app(room: ControlRoom) -> FastAPI:
    """Return the OAuth app."""
    return build_oauth_app(services(room))


def basic(client_id: str, secret: str) -> dict[str, str]:
    """Return the headers of a form with HTTP Basic."""
    joined = b64encode(f"{client_id}:{secret}".encode()).decode()
    return {**FORM, "authorization": f"Basic {joined}"}


async def post(app: Any, path: str, issued: IssuedCredential, body: str) -> httpx.Response:
    """Send *body* as the client of *issued*."""
    headers = basic(issued.client_id, issued.secret.reveal())
    async with http(app) as client:
        return await client.post(path, headers=headers, content=body)


async def test_token_is_issued(room: ControlRoom, app: FastAPI, issued: IssuedCredential) -> None:
    """A client with its secret gets a token that verifies, and an answer that is not stored."""
    response = await post(app, "/oauth2/token", issued, GRANT)
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    body = response.json()
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 3600)
    principal = verify_access_token(
        body["access_token"],
        snapshot=room.snapshots.current(),
        expectations=room.tokens.rules.expectations,
        now=room.clock(),
    )
    assert principal.client.client_id == issued.client_id


@pytest.mark.parametrize(
    "authorization",
    [None, "Bearer x", "Basic", "Basic ???", "Basic bm9jb2xvbg==", "Basic 8J+Ygg==", "Basic Og=="],
)
async def test_bad_authentication_is_401(app: FastAPI, authorization: str | None) -> None:
    """No, unreadable or foreign credentials: 401 with a challenge and invalid_client."""
    headers = FORM if authorization is None else {**FORM, "authorization": authorization}
    async with http(app) as client:
        response = await client.post("/oauth2/token", headers=headers, content=GRANT)
    assert response.status_code == 401
    assert response.headers["www-authenticate"].startswith("Basic ")
    assert response.headers["cache-control"] == "no-store"
    assert response.json()["error"] == "invalid_client"


async def test_wrong_secret_and_unknown_client_answer_alike(
    app: FastAPI, issued: IssuedCredential
) -> None:
    """The two answers differ in nothing."""
    async with http(app) as client:
        wrong = await client.post(
            "/oauth2/token", headers=basic(issued.client_id, "wrong"), content=GRANT
        )
        unknown = await client.post(
            "/oauth2/token", headers=basic("c-0", issued.secret.reveal()), content=GRANT
        )
    assert (wrong.status_code, wrong.content) == (unknown.status_code, unknown.content)
    assert wrong.headers == unknown.headers


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("", "invalid_request"),
        (f"{GRANT}&{GRANT}", "invalid_request"),
        (f"{GRANT}&a=1&a=2", "invalid_request"),
        (f"{GRANT}&client_secret=x", "invalid_request"),
        (f"{GRANT}&x", "invalid_request"),
        (f"{GRANT}&x=%ff", "invalid_request"),
        ("&".join(f"a{n}=1" for n in range(17)), "invalid_request"),
        ("grant_type=password", "unsupported_grant_type"),
        ("scope=x", "invalid_request"),
        (f"{GRANT}&scope=admin", "invalid_scope"),
    ],
)
async def test_bad_form_is_400(
    app: FastAPI, issued: IssuedCredential, body: str, error: str
) -> None:
    """Duplicates, foreign fields, bad encodings and other grants are refused by name."""
    response = await post(app, "/oauth2/token", issued, body)
    assert (response.status_code, response.json()["error"]) == (400, error)


async def test_other_media_type_is_refused(app: FastAPI, issued: IssuedCredential) -> None:
    """JSON is no form."""
    headers = basic(issued.client_id, issued.secret.reveal())
    async with http(app) as client:
        response = await client.post(
            "/oauth2/token",
            headers={**headers, "content-type": "application/json"},
            content=b'{"grant_type":"client_credentials"}',
        )
    assert response.status_code == 400


async def test_large_body_is_413(app: FastAPI, issued: IssuedCredential) -> None:
    """More than 16 KiB is not read."""
    response = await post(app, "/oauth2/token", issued, "a=" + "b" * 16384)
    assert response.status_code == 413


async def test_address_outside_is_403(app: FastAPI, issued: IssuedCredential) -> None:
    """A good secret from a foreign address gets no token."""
    async with http(app, address="192.0.2.1") as client:
        response = await client.post(
            "/oauth2/token",
            headers=basic(issued.client_id, issued.secret.reveal()),
            content=GRANT,
        )
    assert response.status_code == 403


async def test_revoked_token_is_refused(
    room: ControlRoom, app: FastAPI, issued: IssuedCredential
) -> None:
    """A client withdraws its token; nonsense is answered with 200 too (RFC 7009 §2.2)."""
    token = (await post(app, "/oauth2/token", issued, GRANT)).json()["access_token"]
    assert (await post(app, "/oauth2/revoke", issued, f"token={token}")).status_code == 200
    assert len(room.snapshots.current().revocations.jtis) == 1
    assert (await post(app, "/oauth2/revoke", issued, "token=x")).status_code == 200
    assert (await post(app, "/oauth2/revoke", issued, "")).status_code == 400
    assert (await post(app, "/oauth2/revoke", issued, "a=1")).status_code == 400


async def introspected(app: FastAPI, issued: IssuedCredential, token: str) -> dict[str, Any]:
    """Return what the client of *issued* is told of *token*."""
    response = await post(app, "/oauth2/introspect", issued, f"token={token}")
    assert (response.status_code, response.headers["cache-control"]) == (200, "no-store")
    found: dict[str, Any] = response.json()
    return found


async def test_introspection(room: ControlRoom, app: FastAPI, issued: IssuedCredential) -> None:
    """A token is described by its claims; whatever is not active is nothing but that."""
    token = (await post(app, "/oauth2/token", issued, GRANT)).json()["access_token"]
    seconds = int(room.clock().timestamp())
    found = await introspected(app, issued, token)
    assert len(found.pop("jti")) == 32
    assert found == {
        "active": True,
        "client_id": issued.client_id,
        "sub": issued.client_id,
        "iss": ISSUER,
        "aud": AUDIENCE,
        "iat": seconds,
        "exp": seconds + 3600,
        "token_type": "Bearer",
    }
    stranger = await room.clients.create(LOCAL, GRANTS)
    assert await introspected(app, stranger, token) == {"active": False}
    await post(app, "/oauth2/revoke", issued, f"token={token}")
    for dead in (token, "x", "%00", "%C3%BC", "a.b.c"):
        assert await introspected(app, issued, dead) == {"active": False}
    missing = await post(app, "/oauth2/introspect", issued, "token=")
    assert (missing.status_code, missing.json()["error"]) == (400, "invalid_request")


async def test_bound_token_is_described(
    room: ControlRoom, app: FastAPI, issued: IssuedCredential
) -> None:
    """A nonce is asked for first; then the token is of type DPoP and names its key."""
    pair = KeyPair()
    headers = basic(issued.client_id, issued.secret.reveal())
    async with http(app) as client:
        headers["dpop"] = pair.dpop(room.clock())
        first = await client.post("/oauth2/token", headers=headers, content=GRANT)
        assert (first.status_code, first.json()["error"]) == (400, "use_dpop_nonce")
        assert "www-authenticate" not in first.headers
        headers["dpop"] = pair.dpop(room.clock(), nonce=first.headers["dpop-nonce"])
        second = await client.post("/oauth2/token", headers=headers, content=GRANT)
        again = await client.post("/oauth2/token", headers=headers, content=GRANT)
    assert second.json()["token_type"] == "DPoP"
    assert (again.status_code, again.json()["error"]) == (400, "invalid_dpop_proof")
    assert "dpop-nonce" not in again.headers
    found = await introspected(app, issued, second.json()["access_token"])
    assert (found["token_type"], found["cnf"]) == ("DPoP", {"jkt": pair.jkt})


@pytest.mark.parametrize("proofs", [["x"], ["", ""], ["\xfc"], [""]])
async def test_bad_proofs_are_400(
    app: FastAPI, issued: IssuedCredential, proofs: list[str]
) -> None:
    """Nonsense, two proofs and foreign characters are named as what they are."""
    headers = [*basic(issued.client_id, issued.secret.reveal()).items()]
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    raw += [(b"dpop", value.encode("latin-1")) for value in proofs]
    async with http(app) as client:
        response = await client.post("/oauth2/token", headers=raw, content=GRANT)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_dpop_proof")


async def test_proof_for_another_name_of_ours(room: ControlRoom, issued: IssuedCredential) -> None:
    """A proof for the address in Host counts if that is one of ours, else the issuer's only."""
    pair, now = KeyPair(), room.clock()
    app = build_oauth_app(services(room, authorities=frozenset({b"inner.example:8443"})))
    nonce = room.snapshots.dpop_nonces().issue(now)
    statuses = []
    for host in ("inner.example:8443", "INNER.example:8443", "evil.example"):
        proof = pair.dpop(now, nonce=nonce, htu=f"https://{host}/oauth2/token")
        headers = {**basic(issued.client_id, issued.secret.reveal()), "host": host, "dpop": proof}
        async with http(app) as client:
            response = await client.post("/oauth2/token", headers=headers, content=GRANT)
        statuses.append(response.status_code)
    assert statuses == [200, 200, 400]


async def test_client_with_a_key(room: ControlRoom, app: FastAPI, issued: IssuedCredential) -> None:
    """A signed assertion gets a token, once; at the other endpoints it counts too."""
    pair, _ = await add_key(room, issued.client_id)

    async def send(path: str, **fields: str) -> httpx.Response:
        async with http(app) as client:
            return await client.post(path, data={"client_assertion_type": ASSERTION_TYPE, **fields})

    assertion = pair.assertion(issued.client_id, room.clock())
    grant = {"grant_type": "client_credentials"}
    first = await send("/oauth2/token", client_assertion=assertion, **grant)
    assert first.status_code == 200
    again = await send("/oauth2/token", client_assertion=assertion, **grant)
    assert (again.status_code, again.json()["error"]) == (401, "invalid_client")
    assert again.headers["www-authenticate"].startswith("Basic")
    token = first.json()["access_token"]
    for path in ("/oauth2/introspect", "/oauth2/revoke"):
        fresh = pair.assertion(issued.client_id, room.clock())
        assert (await send(path, client_assertion=fresh, token=token)).status_code == 200
    assert len(room.snapshots.current().revocations.jtis) == 1


async def test_client_with_a_certificate(
    room: ControlRoom, app: FastAPI, issued: IssuedCredential
) -> None:
    """A client_id beside a certificate gets a token that is bound to that certificate."""
    kind = CredentialKind.CERTIFICATE
    await add_credential(room, issued.client_id, kind, "dns:app.example")
    der = certificate("CN=x", x509.DNSName("app.example"))
    body = f"{GRANT}&client_id={issued.client_id}"
    async with http(app, certificate=der) as client:
        response = await client.post("/oauth2/token", headers=FORM, content=body)
    assert response.status_code == 200
    found = await introspected(app, issued, response.json()["access_token"])
    assert found["cnf"] == {"x5t#S256": certificate_thumbprint(der)}
    assert found["token_type"] == "Bearer"
    async with http(app) as client:
        assert (await client.post("/oauth2/token", headers=FORM, content=body)).status_code == 401


async def test_binding_that_is_missing_is_named(
    room: ControlRoom, app: FastAPI, issued: IssuedCredential
) -> None:
    """A client that must bring a proof or a certificate is told so."""
    for binding, error in (
        (TokenBinding.DPOP, "invalid_dpop_proof"),
        (TokenBinding.CERTIFICATE, "invalid_request"),
    ):
        await bind(room, issued.client_id, binding)
        response = await post(app, "/oauth2/token", issued, GRANT)
        assert (response.status_code, response.json()["error"]) == (400, error)
        assert "bound" in response.json()["error_description"]


async def test_locked_out_client_is_told_for_how_long(
    app: FastAPI, issued: IssuedCredential
) -> None:
    """After five bad secrets the answer is 429 with the true time, for unknown clients too."""
    for client_id in (issued.client_id, "c-0"):
        async with http(app) as client:
            answers = [
                await client.post("/oauth2/token", headers=basic(client_id, "x"), content=GRANT)
                for _ in range(6)
            ]
        assert [answer.status_code for answer in answers] == [401] * 5 + [429]
        assert answers[-1].headers["retry-after"] == "10"


async def test_keys_are_published_before_they_sign(room: ControlRoom, app: FastAPI) -> None:
    """The JWK set has the pending key beside the active one, public halves only."""
    await room.keys.rotate(LOCAL, KeyUse.SIGNING)
    async with http(app) as client:
        keys = (await client.get("/oauth2/jwks")).json()["keys"]
    assert keys[0]["kid"] == room.snapshots.signing_key().kid
    assert len(keys) == 2
    assert not any("d" in key for key in keys)


async def test_public_documents_can_be_cached(room: ControlRoom, app: FastAPI) -> None:
    """They have a lifetime and a tag; who has the tag gets no body until something changes."""
    async with http(app) as client:
        for path in ("/oauth2/jwks", "/.well-known/oauth-authorization-server"):
            first = await client.get(path)
            assert first.headers["cache-control"] == "max-age=300"
            tag = first.headers["etag"]
            for value in (tag, f"W/{tag}", f'"x", {tag}', "*"):
                again = await client.get(path, headers={"if-none-match": value})
                assert (again.status_code, again.content) == (304, b"")
                assert again.headers["etag"] == tag
            assert (await client.get(path, headers={"if-none-match": '"x"'})).status_code == 200
        await room.keys.rotate(LOCAL, KeyUse.SIGNING)
        assert (await client.get("/oauth2/jwks")).headers["etag"] != tag


@pytest.mark.parametrize(("prepublish", "age"), [(0, 0), (60, 0), (100, 40), (86_400, 300)])
async def test_caches_end_before_a_new_key_signs(
    room: ControlRoom, prepublish: int, age: int
) -> None:
    """The JWK set may be cached for a minute less than a new key waits."""
    app = build_oauth_app(services(room, prepublish_seconds=prepublish))
    async with http(app) as client:
        response = await client.get("/oauth2/jwks")
    assert response.headers["cache-control"] == f"max-age={age}"


async def test_calls_are_limited_per_address(room: ControlRoom) -> None:
    """Calls that check a client share a limit for each address; public documents have none."""
    app = build_oauth_app(services(room), calls_per_minute=3)
    paths = ("/oauth2/token", "/oauth2/revoke", "/oauth2/introspect")
    async with http(app) as client:
        for path in paths:
            assert (await client.post(path)).status_code == 400
        refused = await client.post("/oauth2/token")
        assert (await client.get("/oauth2/jwks")).status_code == 200
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    async with http(app, address="127.0.0.2") as other:
        assert (await other.post("/oauth2/token")).status_code == 400


def test_routes_are_those_of_the_table(app: FastAPI) -> None:
    """The edge lets through what the app has, and nothing else."""
    found = {(method, route.path) for route in app.routes for method in route.methods}
    assert found - {("HEAD", path) for _, path in OAUTH_ROUTES} == set(OAUTH_ROUTES)


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/oauth2/token"), ("POST", "/oauth2/token/"), ("GET", "/docs")]
)
async def test_everything_else_is_404(app: FastAPI, method: str, path: str) -> None:
    """Other methods and paths are not there, and the framework does not say so in its words."""
    async with http(app) as client:
        response = await client.request(method, path)
    assert response.status_code == 404
    assert response.json()["error"] == "invalid_request"
