"""What is refused, that it is refused at once, and that nothing of it reaches the model."""

from __future__ import annotations

import time

import httpx2
import pytest
from openai import AuthenticationError, BadRequestError, OpenAI, PermissionDeniedError

from gateway.core import bhttp

HELLO = [{"role": "user", "content": "hi"}]


@pytest.fixture(autouse=True)
def nothing_reaches_the_model(world):
    """Every test here ends with as many upstream calls as it began with, unless it says so."""
    world.says("anything")
    world.allowed_calls = 0
    before = world.upstream_calls()
    yield
    assert world.upstream_calls() - before == world.allowed_calls


def ask(world, account, *, model="tiny", **options):
    with world.gateway.sealed(account) as http:
        openai = OpenAI(
            base_url=world.gateway.origin + "/v1", api_key="x", http_client=http, max_retries=0
        )
        return openai.chat.completions.create(model=model, messages=HELLO, **options)


def test_no_token(world):
    """A sealed call without a token gets 401 inside."""
    assert world.gateway.list_models(None).status == 401


def test_foreign_authority(world):
    """A request for another host is not passed anywhere."""
    token = b"Bearer " + world.gateway.token(world.application).encode()
    request = bhttp.Request(
        b"GET", b"/v1/models", authority=b"other.example", headers=((b"authorization", token),)
    )
    assert world.gateway.call_sealed(request).status == 404


@pytest.mark.parametrize("path", [b"/metrics", b"/v1/models?x", b"//v1/models", b"/invocations"])
def test_unknown_paths(world, path):
    """A good token opens no path that is not in the table."""
    token = world.gateway.token(world.application)
    assert world.gateway.list_models(token, path).status == 404


@pytest.mark.parametrize("role", ["operator", "owner"])
def test_staff_calls_no_model(world, role):
    """The wrong role is refused."""
    token = world.gateway.token(world.gateway.staff[role])
    assert world.gateway.list_models(token).status == 403


def test_application_is_nobody_on_the_admin_listener(world):
    """An application's token opens nothing there."""
    token = world.gateway.token(world.application)
    with httpx2.Client(verify=world.gateway.tls()) as http:
        url = f"{world.gateway.admin_origin}/admin/v1/clients"
        answer = http.get(url, headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 403
    assert answer.headers["content-type"].startswith("application/problem+json")


def test_admin_paths_do_not_exist_on_the_public_listener(world):
    """What is for operators cannot even be named from outside."""
    with world.gateway.http() as http:
        assert http.get("/admin/v1/clients").status_code == 404
        assert http.get("/metrics").status_code == 404


def test_model_without_grant(world):
    """A model that was not granted is refused."""
    with pytest.raises(PermissionDeniedError):
        ask(world, world.application, model="draft")


def test_forbidden_address(world):
    """A client called from outside its allowlist does not even get a token."""
    elsewhere = world.gateway.create_client(networks=["192.0.2.0/24"])
    with pytest.raises((PermissionDeniedError, AuthenticationError)):
        ask(world, elsewhere)


def test_allowlist_change_counts_for_tokens_already_issued(world):
    """Narrowing a client's allowlist ends the use of its tokens from elsewhere at once."""
    account = world.gateway.create_client()
    token = world.gateway.token(account)
    change = {"networks": ["192.0.2.0/24"]}
    world.gateway.admin("PATCH", f"/clients/{account.client_id}", json=change)
    assert world.gateway.list_models(token).status == 403


@pytest.mark.parametrize("parameter", [{"logprobs": True}, {"extra_body": {"echo": True}}])
def test_parameters_that_would_leak(world, parameter):
    """A parameter whose answer cannot be scrubbed is refused with a reason."""
    with pytest.raises(BadRequestError):
        ask(world, world.application, **parameter)


def revoke(world, kind, subject):
    body = {"kind": kind, "subject": subject}
    world.gateway.admin("POST", "/revocations", json=body)


def test_revoked_token(world):
    """A token revoked by its client is refused from then on."""
    account = world.gateway.create_client()
    token = world.gateway.token(account)
    assert world.gateway.list_models(token).status == 200
    world.allowed_calls = 1
    with world.gateway.http() as http:
        auth = (account.client_id, account.client_secret)
        assert http.post("/oauth2/revoke", data={"token": token}, auth=auth).status_code == 200
    assert world.gateway.list_models(token).status == 401


def test_revoked_client(world):
    """All tokens of a client can be ended at once by an operator."""
    account = world.gateway.create_client()
    tokens = [world.gateway.token(account) for _ in range(3)]
    revoke(world, "client_id", account.client_id)
    assert {world.gateway.list_models(token).status for token in tokens} == {401}


def test_revoked_signing_key(world):
    """Every token of a revoked key dies; a token of the new key is good."""
    old = world.gateway.token(world.application)
    with world.gateway.http() as http:
        kid = http.get("/oauth2/jwks").json()["keys"][0]["kid"]
    revoke(world, "kid", kid)
    assert world.gateway.list_models(old).status == 401
    new = world.gateway.token(world.application)
    assert world.gateway.list_models(new).status == 200
    world.allowed_calls = 1


def test_disabled_client(world):
    """A disabled client has neither tokens nor calls."""
    account = world.gateway.create_client()
    token = world.gateway.token(account)
    world.gateway.admin("POST", f"/clients/{account.client_id}/disable")
    assert world.gateway.list_models(token).status == 401
    with pytest.raises(httpx2.HTTPStatusError):
        world.gateway.token(account)


def test_revocation_by_command_counts_within_a_second(world):
    """A revocation made by the command line, in another process, reaches the running gateway."""
    account = world.gateway.create_client()
    token = world.gateway.token(account)
    world.gateway.command("revoke", "client", account.client_id)
    answered = called = time.monotonic()
    while world.gateway.list_models(token).status != 401:
        world.allowed_calls += 1
        assert called - answered < 1
        time.sleep(0.05)
        called = time.monotonic()
