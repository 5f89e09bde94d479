"""Streams under way end when what allowed them is withdrawn."""

from __future__ import annotations

import threading
import time

import pytest
from openai import APIConnectionError, APIError, OpenAI

from loadtests.script import Hang, Pause

WORDS = ["water, ", "river, ", "cloud, "]


class Stream:
    """A stream that is read in the background, and how and when it ended."""

    def __init__(self, world, account) -> None:
        self.text = ""
        self.error: Exception | None = None
        self.ended_at = 0.0
        self._world, self._account = world, account
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        deadline = time.monotonic() + 30
        while "river" not in self.text:
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def _read(self) -> None:
        try:
            with self._world.gateway.sealed(self._account) as http:
                openai = OpenAI(
                    base_url=self._world.gateway.origin + "/v1",
                    api_key="x",
                    http_client=http,
                    max_retries=0,
                )
                said = [{"role": "user", "content": "hi"}]
                for chunk in openai.chat.completions.create(
                    model="tiny", messages=said, stream=True
                ):
                    self.text += chunk.choices[0].delta.content or "" if chunk.choices else ""
        except (APIError, APIConnectionError) as error:
            self.error = error
        finally:
            self.ended_at = time.monotonic()

    def wait(self) -> None:
        """Wait until the stream has ended."""
        self._thread.join(30)
        assert not self._thread.is_alive()


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
