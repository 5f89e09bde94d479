"""A client from npm packages against the gateway, with both key encapsulation mechanisms."""

from __future__ import annotations

import base64
import re

import pytest

from gateway.core.ohttp_keys import parse_key_list
from loadtests.script import Pause

X25519, XWING = 0x0020, 0x647A
KEMS = pytest.mark.parametrize("kem", [X25519, XWING], ids=["x25519", "x-wing"])
CHAT = "/v1/chat/completions"


def client_of(world, kem, **options):
    return {
        "origin": world.gateway.origin,
        "clientId": world.application.client_id,
        "clientSecret": world.application.client_secret,
        "kems": [kem],
        "trustTls": True,
        **options,
    }


def text_of(answer) -> str:
    return "".join(text for _, text in answer["pieces"])


def test_key_list_is_read(world, node):
    """The list of key configurations says the same to a stranger's parser as to ours."""
    found = node("keys", ca_file=world.gateway.ca_file, origin=world.gateway.origin)
    ours = parse_key_list(base64.b64decode(found["body"]))
    expected = [[c.key_id, c.kem_id, base64.b64encode(c.public_key).decode()] for c in ours]
    assert found["type"] == "application/ohttp-keys"
    assert found["configs"] == expected
    assert [kem for _, kem, _ in expected] == [X25519, XWING]


@KEMS
def test_whole_answer(world, node, kem):
    """An answer that is not streamed opens, scrubbed, with its status and type inside."""
    world.says("Mail anna@exam", "ple.com.")
    client = client_of(world, kem)
    answer = node("chat", ca_file=world.gateway.ca_file, client=client, stream=False)
    assert (answer["status"], answer["contentType"]) == (200, "application/json")
    assert '"Mail [EMAIL]."' in text_of(answer)


@KEMS
def test_stream_arrives_token_by_token(world, node, kem):
    """Each token opens when it was made, and not with the last one."""
    world.says("water, ", Pause(0.3), "river, ", Pause(0.3), "cloud, ", Pause(0.3), "grass")
    client = client_of(world, kem)
    answer = node("chat", ca_file=world.gateway.ca_file, client=client, stream=True)
    assert "error" not in answer
    at = {
        word: next(ms for ms, text in answer["pieces"] if f'"{word}' in text)
        for word in ("water", "river", "cloud", "grass")
    }
    moments = list(at.values())
    assert moments == sorted(moments)
    assert moments[-1] - moments[0] > 300  # of 900, for a machine that has other things to do
    assert "\n\ndata: [DONE]\n\n" in text_of(answer)


@pytest.mark.parametrize("stream", [True, False])
def test_answer_opens_however_it_is_cut(world, node, stream):
    """Delivered byte by byte, both forms of Binary HTTP open to the same answer."""
    world.says("water, ", "river")
    client = client_of(world, X25519)
    answer = node("trickle", ca_file=world.gateway.ca_file, client=client, stream=stream)
    assert answer["status"] == 200
    assert "error" not in answer
    assert re.findall(r'"content":"([\w, ]+)"', text_of(answer))[-1].endswith("river")


@KEMS
def test_refusal_comes_inside(world, node, kem):
    """A token that is none is refused inside the seal: 401 for the client, 200 for the wire."""
    client = client_of(world, kem, token="not-a-token")
    answer = node("chat", ca_file=world.gateway.ca_file, client=client, stream=True)
    assert answer["status"] == 401
    assert "error" not in answer
    assert "problem+json" in answer["contentType"] or "error" in text_of(answer)


@KEMS
def test_get_without_a_body(world, node, kem):
    """A GET is sealed too, so nobody sees which models a client asks for."""
    client = client_of(world, kem)
    answer = node("models", ca_file=world.gateway.ca_file, client=client)
    assert answer["status"] == 200
    assert [model["id"] for model in answer["body"]["data"]] == ["tiny"]


@KEMS
def test_same_path_entrance(world, node, kem):
    """The sealed request may be posted to the path that is inside."""
    world.says("fine")
    client = client_of(world, kem, entrance="same-path")
    answer = node("chat", ca_file=world.gateway.ca_file, client=client, stream=False)
    assert answer["status"] == 200


@KEMS
def test_official_sdk(world, node, kem):
    """The JavaScript SDK streams over the client's fetch without knowing of it."""
    world.says("Call 138", "00138", "000 or wait.")
    answer = node("openai", ca_file=world.gateway.ca_file, client=client_of(world, kem))
    assert answer == {"text": "Call [PHONE] or wait."}


def test_official_sdk_notices_a_cut_after_done(world, node):
    """A stream whose seal is not complete fails in the SDK although it ended with [DONE]."""
    world.says("water, ", Pause(0.02), "river, ", Pause(0.02), "cloud, ")
    answer = node(
        "openai", ca_file=world.gateway.ca_file, client=client_of(world, X25519), broken=True
    )
    assert answer["text"] == "water, river, cloud, "
    assert "cut short" in answer["error"]["message"]


@KEMS
def test_key_that_is_gone_is_fetched_anew(world, node, kem):
    """A client that seals to a key the gateway does not have is told so, and fetches keys once."""
    world.says("fine")
    client = client_of(world, kem)
    answer = node("stale", ca_file=world.gateway.ca_file, client=client, lists=1)
    assert (answer["status"], answer["fetched"]) == (200, 2)
    answer = node("stale", ca_file=world.gateway.ca_file, client=client, lists=9)
    assert (answer["error"]["status"], answer["fetched"]) == (422, 2)
