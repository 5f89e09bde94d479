"""The encrypted entrance against malformed input, and the rest of the public listener."""

from __future__ import annotations

import time

import pytest

from gateway.core import bhttp
from gateway.core.ohttp import RequestSealer
from gateway.core.ohttp_keys import parse_key_list

SEALED = {"content-type": "message/ohttp-chunked-req"}
ENTRANCE = "/.well-known/ohttp-gateway"


@pytest.fixture
def http(world):
    """A plain HTTPS client."""
    with world.gateway.http() as client:
        yield client


@pytest.fixture
def sealed(http, world) -> bytes:
    """A well-sealed request."""
    config = parse_key_list(http.get(ENTRANCE).content)[0]
    authority = f"127.0.0.1:{world.gateway.port}".encode()
    request = bhttp.Request(method=b"GET", path=b"/v1/models", authority=authority)
    return RequestSealer(config).finish(bhttp.encode_request(request))


def test_everything_malformed_looks_the_same(http, sealed):
    """Flipped, cut, lengthened, empty, wrong suite: one status, one body."""
    bad = [
        sealed[:-1],
        sealed + b"x",
        sealed[:7],
        b"",
        sealed[:3] + b"\x00\x01\x00\x01" + sealed[7:],
        sealed[:10] + bytes([sealed[10] ^ 1]) + sealed[11:],
        sealed[:60] + bytes([sealed[60] ^ 1]) + sealed[61:],
        sealed[:7] + bytes(32) + sealed[39:],
    ]
    answers = {
        (answer.status_code, answer.content)
        for answer in (http.post(ENTRANCE, content=data, headers=SEALED) for data in bad)
    }
    assert len(answers) == 1
    [(status, body)] = answers
    assert status == 400
    assert b"open_failed" in body


def test_unknown_key_tells_the_client_to_fetch_keys(http, sealed):
    """A key that is gone is 422 with the registered problem type (RFC 9458 §5.3)."""
    other = bytes([sealed[0] ^ 0xFF])
    answer = http.post(ENTRANCE, content=other + sealed[1:], headers=SEALED)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "https://iana.org/assignments/http-problem-types#ohttp-key"


def test_other_media_types_are_told_to_seal(http):
    """Clear text posted to the entrance is 415."""
    assert http.post(ENTRANCE, json={"model": "tiny"}).status_code == 415


def test_too_large(http, sealed):
    """A body above the limit is 413, sealed or not."""
    big = sealed + bytes(5 * 2**20)
    assert http.post(ENTRANCE, content=big, headers=SEALED).status_code in {400, 413}
    clear = http.post("/v1/completions", content=bytes(5 * 2**20))
    assert clear.status_code == 413


@pytest.mark.parametrize(
    "path",
    [
        "/", "/docs", "/redoc", "/v1", "/v1/chat", "/v1/chat/completions/x", "/invocations",
        "/tokenize", "/v1/load_lora_adapter", "/admin/v1/status", "/health", "/version",
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "OPTIONS", "PATCH"])
def test_everything_else_is_not_found(world, http, method, path):
    """Whatever is not in the table is 404 and nothing is sent upstream."""
    before = world.upstream_calls()
    assert http.request(method, path).status_code == 404
    assert world.upstream_calls() == before


def test_health_says_nothing_to_strangers(http):
    """Liveness and readiness are a status each, no detail."""
    for path in ("/livez", "/readyz"):
        answer = http.get(path)
        assert answer.status_code == 200
        assert len(answer.content) < 32


def test_old_key_still_opens_after_rotation_and_not_after_revocation(world, http, sealed):
    """A rotated key opens what was sealed to it for a while; a revoked one opens nothing."""
    keys = world.gateway.admin("GET", "/keys").json()["items"]
    [old] = [k for k in keys if k["use"] == "encryption" and k["key_id"] == sealed[0]]
    world.gateway.admin("POST", "/keys/encryption/rotate")
    deadline = time.monotonic() + 30
    while parse_key_list(http.get(ENTRANCE).content)[0].key_id == sealed[0]:
        assert time.monotonic() < deadline  # pending first, so that every process knows it
        time.sleep(0.1)
    assert http.post(ENTRANCE, content=sealed, headers=SEALED).status_code == 200
    world.gateway.admin("POST", f"/keys/{old['kid']}/revoke")
    assert http.post(ENTRANCE, content=sealed, headers=SEALED).status_code == 422
