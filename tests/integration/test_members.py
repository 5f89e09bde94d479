"""What of a request reaches the model server: members and headers, with the official SDKs."""

from __future__ import annotations

import base64
import struct
from email.utils import formatdate

import anthropic
import orjson
import pytest
from openai import BadRequestError, OpenAI

from gateway.core import bhttp
from loadtests.script import Script
from tests.fakes.streams import block, choices, message

HELLO = [{"role": "user", "content": "hi"}]
SIZE = struct.pack(">4sIIBBBBB4x", b"IHDR", 8, 8, 8, 2, 0, 0, 0)
PIXELS = b"\x00\x00\x00\x00IDAT\x00\x00\x00\x00"
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n\x00\x00\x00\r" + SIZE + PIXELS).decode()
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
FUNCTION = {"name": "look_up", "description": "Look it up.", "parameters": SCHEMA}
UPSTREAM_HEADERS = {"host", "authorization", "accept-encoding", "content-type", "content-length"}


@pytest.fixture
def ask(world):
    """Return a function that gives the SDKs of a client with some grants."""
    opened = []

    def sdks(**given):
        account = world.gateway.create_client(**given)
        transport = world.gateway.sealed(account)
        opened.append(transport)
        http = transport.__enter__()
        origin = world.gateway.origin
        return (
            OpenAI(base_url=origin + "/v1", api_key="x", http_client=http, max_retries=0),
            anthropic.Anthropic(base_url=origin, api_key="x", http_client=http, max_retries=0),
        )

    yield sdks
    for transport in opened:
        transport.__exit__(None, None, None)


def sent(world):
    """Return the body that reached the model server last, without what the gateway put into it."""
    body = orjson.loads(world.vllm.requests[-1].body)
    body.pop("cache_salt")
    return body


def image(url):
    """Return a message with an image."""
    part = {"type": "image_url", "image_url": {"url": url}}
    return [{"role": "user", "content": [{"type": "text", "text": "what?"}, part]}]


def test_usual_calls_of_openai(world, ask):
    """Tools, formats, options of streams and sampling go upstream as they are."""
    openai, _ = ask()
    world.says("so")
    asked = {
        "model": "tiny",
        "messages": HELLO,
        "tools": [{"type": "function", "function": {**FUNCTION, "strict": True}}],
        "tool_choice": "auto",
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "x", "schema": SCHEMA, "strict": True},
        },
        "temperature": 0.5,
        "stop": ["END"],
    }
    sampling = {"top_k": 40, "min_p": 0.1, "repetition_penalty": 1.1}
    chosen = {"structured_outputs": {"choice": ["yes", "no"]}}
    stream = openai.chat.completions.create(
        **asked,
        stream=True,
        stream_options={"include_usage": True},
        user="ann",
        extra_body=sampling | chosen,
    )
    list(stream)
    options = {"stream": True, "stream_options": {"include_usage": True}}
    assert sent(world) == asked | options | sampling | chosen


def test_usual_calls_of_anthropic(world, ask):
    """So do tools, blocks of system text and thinking."""
    _, claude = ask()
    world.vllm.script = Script(whole_body=orjson.dumps(message(block("text", "so"))))
    claude.messages.create(
        model="tiny",
        max_tokens=2000,
        system=[{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
        messages=HELLO,
        tools=[{"name": "look_up", "input_schema": SCHEMA}],
        tool_choice={"type": "auto"},
        thinking={"type": "enabled", "budget_tokens": 1024},
    )
    body = sent(world)
    assert body["system"] == [{"type": "text", "text": "Be brief."}]
    assert body["tools"] == [{"name": "look_up", "input_schema": SCHEMA}]
    assert body["thinking"] == {"type": "enabled", "budget_tokens": 1024}


def test_images_need_a_grant_and_come_in_the_request(world, ask):
    """Whoever has it sends data; an address is for nobody, and refused at its place."""
    world.says("so")
    data = f"data:image/png;base64,{PNG}"
    granted, claude = ask(parameters=["data_urls"])
    granted.chat.completions.create(model="tiny", messages=image(data), stream=True)
    assert sent(world)["messages"] == image(data)
    before = world.upstream_calls()
    others, _ = ask()
    for openai, url in ((others, data), (granted, "https://example.com/a.png")):
        with pytest.raises(BadRequestError) as caught:
            openai.chat.completions.create(model="tiny", messages=image(url))
        assert caught.value.param.startswith("/messages/0/content/1")
    source = {"type": "url", "url": "https://example.com/a.png"}
    said = [{"role": "user", "content": [{"type": "image", "source": source}]}]
    with pytest.raises(anthropic.BadRequestError, match="at /messages/0/content/0/source"):
        claude.messages.create(model="tiny", max_tokens=5, messages=said)
    assert world.upstream_calls() == before
    world.vllm.script = Script(whole_body=orjson.dumps(message(block("text", "so"))))
    source = {"type": "base64", "media_type": "image/png", "data": PNG}
    said = [{"role": "user", "content": [{"type": "image", "source": source}]}]
    claude.messages.create(model="tiny", max_tokens=5, messages=said)
    assert sent(world)["messages"] == said


def test_a_client_has_limits_of_its_own(world, ask):
    """They count in all its requests."""
    openai, _ = ask(limits={"choices": 1, "output_tokens": 30})
    world.says("so")
    list(openai.chat.completions.create(model="tiny", messages=HELLO, stream=True))
    assert sent(world)["max_completion_tokens"] == 30
    with pytest.raises(BadRequestError, match="choices") as caught:
        openai.chat.completions.create(model="tiny", messages=HELLO, n=2)
    assert caught.value.param == "/n"


def test_a_member_that_nobody_knows_passes_for_the_client_it_was_given_to(world, ask):
    """What an SDK sends beside its own members, and no other of them."""
    world.says("so")
    call = {"model": "tiny", "messages": HELLO, "stream": True}
    openai, _ = ask(extra_members=["novel"])
    list(openai.chat.completions.create(**call, extra_body={"novel": 2}))
    assert sent(world)["novel"] == 2
    for client, body in ((openai, {"other": 2}), (ask()[0], {"novel": 2})):
        with pytest.raises(BadRequestError, match="not supported"):
            client.chat.completions.create(**call, extra_body=body)


@pytest.mark.parametrize("path", [b"/v1/chat/completions", b"/v1/chat/completions?echo=1"])
def test_no_header_of_a_request_goes_upstream(world, path):
    """Least of all one that chooses an adapter; with a query it is another path, and nothing."""
    world.vllm.script = Script(whole_body=orjson.dumps(choices()))
    theirs = (
        (b"x-amzn-sagemaker-adapter-identifier", b"canary"),
        (b"x-amzn-sagemaker-custom-attributes", b"canary"),
        (b"x-lora-adapter", b"canary"),
        (b"x-request-id", b"canary"),
        (b"x-data-parallel-rank", b"1"),
        (b"traceparent", b"00-canary-canary-01"),
        (b"cookie", b"a=canary"),
    )
    request = bhttp.Request(
        b"POST",
        path,
        authority=f"127.0.0.1:{world.gateway.port}".encode(),
        headers=(
            (b"date", formatdate(usegmt=True).encode()),
            (b"authorization", b"Bearer " + world.gateway.token(world.application).encode()),
            (b"content-type", b"application/json"),
            *theirs,
        ),
        body=orjson.dumps({"model": "tiny", "messages": HELLO}),
    )
    before = world.upstream_calls()
    if b"?" in path:
        assert world.gateway.call_sealed(request).status == 404
        assert world.upstream_calls() == before
        return
    assert world.gateway.call_sealed(request).status == 200
    received = world.vllm.requests[before]
    assert {name.lower() for name, _ in received.headers} <= UPSTREAM_HEADERS
    assert "canary" not in str(received)
