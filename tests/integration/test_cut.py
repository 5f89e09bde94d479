"""Streams under way end when what allowed them is withdrawn."""

from __future__ import annotations

import time

import pytest

from loadtests.script import Hang, Pause
from tests.integration.streams import Stream

WORDS = ["water, ", "river, ", "cloud, "]


def encryption_kids(world):
    items = world.gateway.admin("GET", "/keys").json()["items"]
    return [k["kid"] for k in items if k["use"] == "encryption" and k["state"] == "active"]


@pytest.mark.parametrize("how", ["client", "disable", "signing key", "recipient key"])
def test_revocation_ends_the_stream_within_two_seconds(world, how):
    """A revoked client, a disabled one, a revoked signing or recipient key: the stream ends."""
    world.says(*WORDS, Hang())
    account = world.gateway.create_client()
    stream = Stream(world, account)
    calls = world.upstream_calls()
    if how == "client":
        body = {"kind": "client_id", "subject": account.client_id}
        world.gateway.admin("POST", "/revocations", json=body)
    elif how == "disable":
        world.gateway.admin("POST", f"/clients/{account.client_id}/disable")
    elif how == "signing key":
        with world.gateway.http() as http:
            kid = http.get("/oauth2/jwks").json()["keys"][0]["kid"]
        world.gateway.admin("POST", f"/keys/{kid}/revoke")
    else:
        for kid in encryption_kids(world):
            world.gateway.admin("POST", f"/keys/{kid}/revoke")
    answered = time.monotonic()
    stream.wait()
    assert stream.ended_at - answered < 2
    assert stream.error is not None
    request = world.vllm.requests[calls - 1]
    while not request.disconnected.is_set():
        assert time.monotonic() - answered < 10
        time.sleep(0.02)


def test_drained_key_lets_streams_finish(world):
    """A key that is retired without harm refuses new requests and lets running ones end."""
    world.says(*WORDS, Pause(1.5), "grass")
    stream = Stream(world, world.gateway.create_client())
    for kid in encryption_kids(world):
        world.gateway.admin("POST", f"/keys/{kid}/revoke?drain=true")
    stream.wait()
    assert stream.error is None
    assert stream.text == "water, river, cloud, grass"


def test_revocation_of_others_leaves_the_stream_alone(world):
    """A stream is not disturbed by what happens to somebody else."""
    world.says(*WORDS, Pause(1), "grass")
    stream = Stream(world, world.gateway.create_client())
    other = world.gateway.create_client()
    world.gateway.admin("POST", f"/clients/{other.client_id}/disable")
    stream.wait()
    assert (stream.error, stream.text) == (None, "water, river, cloud, grass")
