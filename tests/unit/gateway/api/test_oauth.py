"""The token endpoint: strict in what it reads, and in RFC 6749's words when it refuses."""

from __future__ import annotations

import subprocess
import sys
from base64 import b64encode
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from gateway.api.oauth import OauthServices, build_oauth_app
from gateway.control.clients import IssuedCredential
from gateway.control.room import ControlRoom
from gateway.core.tokens import verify_access_token
from tests.fakes.control import GRANTS, ISSUER, LOCAL
from tests.fakes.http import http

FORM = {"content-type": "application/x-www-form-urlencoded"}
ROOT = Path(__file__).parents[4]
GRANT = "grant_type=client_credentials"


@pytest.fixture
async def issued(room: ControlRoom) -> IssuedCredential:
    """Return a registered client."""
    return await room.clients.create(LOCAL, GRANTS)


@pytest.fixture
def app(room: ControlRoom) -> FastAPI:
    """Return the OAuth app."""
    return build_oauth_app(OauthServices(room.tokens, room.snapshots, ISSUER))


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
    """More than 8 KiB is not read."""
    response = await post(app, "/oauth2/token", issued, "a=" + "b" * 8192)
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


async def test_calls_are_limited_per_address(room: ControlRoom) -> None:
    """Token and revocation calls of one address share a limit; another address has its own."""
    services = OauthServices(room.tokens, room.snapshots, ISSUER)
    app = build_oauth_app(services, calls_per_address="2/minute")
    async with http(app) as client:
        assert (await client.post("/oauth2/token")).status_code == 401
        assert (await client.post("/oauth2/revoke")).status_code == 401
        refused = await client.post("/oauth2/token")
    assert refused.status_code == 429
    assert "retry-after" in refused.headers
    async with http(app, address="127.0.0.2") as other:
        assert (await other.post("/oauth2/token")).status_code == 401


TWO_CALLS = """
import asyncio, sys, warnings
from pathlib import Path
from gateway.api.oauth import OauthServices, build_oauth_app
from tests.fakes.control import FakeClock, make_room
from tests.fakes.http import http

warnings.simplefilter("error")

async def main():
    room = make_room(Path(sys.argv[1]), FakeClock())
    services = OauthServices(room.tokens, room.snapshots, "https://gateway.example")
    async with http(build_oauth_app(services, calls_per_address="1/minute")) as client:
        answers = [await client.post("/oauth2/token") for _ in range(2)]
    print([answer.status_code for answer in answers])
    print([name for name in answers[1].headers if "ratelimit" in name])

asyncio.run(main())
"""
HOSTILE = {
    "RATELIMIT_ENABLED": "false",
    "RATELIMIT_DEFAULT": "1000000/second",
    "RATELIMIT_STORAGE_URL": "nothing://",
    "RATELIMIT_STRATEGY": "none",
    "RATELIMIT_SWALLOW_ERRORS": "true",
    "RATELIMIT_HEADERS_ENABLED": "true",
    "RATELIMIT_KEY_PREFIX": "x",
}


@pytest.mark.parametrize("place", ["environment", "file", "unreadable file"])
def test_nothing_outside_switches_the_limit_off(tmp_path: Path, place: str) -> None:
    """Neither variables nor a .env file in the working directory change the limit."""
    variables = HOSTILE if place == "environment" else {}
    content = "".join(f"{name}={value}\n" for name, value in HOSTILE.items()).encode()
    if place == "file":
        (tmp_path / ".env").write_bytes(content)
    elif place == "unreadable file":
        (tmp_path / ".env").write_bytes(b"\xff=\xff")
    done = subprocess.run(
        [sys.executable, "-c", TWO_CALLS, str(tmp_path)],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("[401, 429]\n[]\n", "")


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


async def test_public_documents(room: ControlRoom, app: FastAPI) -> None:
    """Keys and metadata are public and name only what there is."""
    async with http(app) as client:
        keys = (await client.get("/oauth2/jwks")).json()["keys"]
        metadata = (await client.get("/.well-known/oauth-authorization-server")).json()
    assert [key["kid"] for key in keys] == [room.snapshots.signing_key().kid]
    assert "d" not in keys[0]
    assert metadata["issuer"] == ISSUER
    assert metadata["token_endpoint"] == f"{ISSUER}/oauth2/token"


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/oauth2/token"), ("POST", "/oauth2/token/"), ("GET", "/docs")]
)
async def test_everything_else_is_404(app: FastAPI, method: str, path: str) -> None:
    """Other methods and paths are not there, and the framework does not say so in its words."""
    async with http(app) as client:
        response = await client.request(method, path)
    assert response.status_code == 404
    assert response.json()["error"] == "invalid_request"
