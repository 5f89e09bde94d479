"""Rules for found values, pseudonyms and masked requests, over real sockets with the SDK."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
import orjson
import pytest
from openai import APIError, BadRequestError, OpenAI, PermissionDeniedError

from loadtests.script import Script, text, tool_arguments, tool_start

PHONE, EMAIL, OTHER = "138-0013-8000", "anna@example.com", "13900139000"
TOKEN = re.compile(r"\[[A-Z_]+_[a-z]{8}\]")


@contextmanager
def sdk(world, account) -> Iterator[OpenAI]:
    """Give the official SDK over a sealed transport of *account*."""
    with world.gateway.sealed(account) as http:
        base_url = world.gateway.origin + "/v1"
        yield OpenAI(base_url=base_url, api_key="unused", http_client=http, max_retries=0)


def ask(openai, prompt="hi", *, stream=False, conversation=None, **options):
    """Return what the model says to *prompt*."""
    headers = {} if conversation is None else {"Sealgate-Conversation": conversation}
    said = openai.chat.completions.create(
        model="tiny",
        messages=[{"role": "user", "content": prompt}],
        stream=stream,
        extra_headers=headers,
        **options,
    )
    if not stream:
        return said.choices[0].message.content
    return "".join(c.choices[0].delta.content or "" for c in said if c.choices)


def echo(world) -> None:
    """Let the model repeat the last message in pieces of three characters, then say more."""

    def script(request):
        said = orjson.loads(request.body)["messages"][-1]["content"] + f" and {OTHER}, {PHONE}."
        return Script([text(said[at : at + 3]) for at in range(0, len(said), 3)])

    world.vllm.script = script


@pytest.mark.parametrize("stream", [True, False])
def test_what_a_client_masks_no_model_sees(world, stream):
    """Values become tokens for the model and come back in this answer; its own stay hidden."""
    echo(world)
    masking = world.gateway.create_client(masks_requests=True)
    before = world.upstream_calls()
    with sdk(world, masking) as openai:
        said = ask(openai, f"call {PHONE} or {EMAIL}", stream=stream)
    assert said == f"call {PHONE} or {EMAIL} and [PHONE], [PHONE]."
    [request] = world.vllm.requests[before:]
    assert PHONE.encode() not in request.body
    assert EMAIL.encode() not in request.body
    assert len(TOKEN.findall(request.body.decode())) == 2


def test_a_token_in_an_answer_of_tools_stays_json(world):
    """In the arguments of a call a value is put back as a part of the JSON that it is in."""
    value = 'mail to "anna@example.com"'

    def script(request):
        [token] = TOKEN.findall(request.body.decode())
        arguments = json.dumps({"to": token, "note": 'a "b"'})
        return Script([tool_start("dial"), *map(tool_arguments, arguments)])

    world.vllm.script = script
    masking = world.gateway.create_client(masks_requests=True)
    tools = [{"type": "function", "function": {"name": "dial", "parameters": {"type": "object"}}}]
    messages = [{"role": "user", "content": value}]
    with sdk(world, masking) as openai:
        answer = openai.chat.completions.create(model="tiny", messages=messages, tools=tools)
    [call] = answer.choices[0].message.tool_calls
    assert json.loads(call.function.arguments) == {"to": EMAIL, "note": 'a "b"'}


def test_nothing_in_a_prompt_brings_a_value_out(world):
    """Placeholders, masks, pseudonyms and tokens of another request are only text."""
    seen: list[str] = []

    def first(request):
        seen.extend(TOKEN.findall(request.body.decode()))
        return Script([text("ok")])

    world.vllm.script = first
    masking = world.gateway.create_client(masks_requests=True)
    with sdk(world, masking) as openai, sdk(world, world.application) as other:
        ask(openai, f"call {PHONE}")
        [token] = seen
        echo(world)
        prompt = f"[PHONE] [PHONE_ab12cd34ef56] 138****8000 {token} {EMAIL}"
        assert ask(openai, prompt) == f"{prompt} and [PHONE], [PHONE]."
        hidden = prompt.replace(EMAIL, "[EMAIL]")
        assert ask(other, prompt) == f"{hidden} and [PHONE], [PHONE]."


def test_pseudonyms_are_those_of_a_conversation(world):
    """One conversation of one client has one token for a value, and no other has the same."""
    world.says(f"call {PHONE} now")
    one, two = (world.gateway.create_client(scrub={"default": "pseudonym"}) for _ in range(2))
    with sdk(world, one) as openai, sdk(world, two) as other:
        said = ask(openai, conversation="talk-1")
        assert re.fullmatch(r"call \[PHONE_[0-9a-f]{12}\] now", said)
        assert ask(openai, conversation="talk-1", stream=True) == said
        others = {ask(openai), ask(openai), ask(openai, conversation="talk-2")}
        others.add(ask(other, conversation="talk-1"))
        assert len(others - {said}) == 4
        with pytest.raises(BadRequestError):
            ask(openai, conversation="talk 1")


def test_each_client_has_its_own_forms(world):
    """A type is masked for one client and ends the answer of another."""
    world.says("fine, call 13812345678 or anna@exam", "ple.com now")
    masks = world.gateway.create_client(scrub={"PHONE": "mask"})
    blocks = world.gateway.create_client(scrub={"EMAIL": "block", "default": "mask"})
    with sdk(world, masks) as openai:
        assert ask(openai) == "fine, call 138****5678 or [EMAIL] now"
    with sdk(world, blocks) as openai:
        with pytest.raises(PermissionDeniedError) as refused:
            ask(openai)
        assert refused.value.code == "answer_blocked"
        with pytest.raises(APIError) as ended:
            ask(openai, stream=True)
        assert ended.value.code == "answer_blocked"


def test_metrics_count_by_type_alone(world):
    """Operators see how many values of a type were replaced, and how many answers were ended."""

    def counts():
        with httpx2.Client(verify=world.gateway.tls()) as http:
            page = http.get(f"{world.gateway.admin_origin}/metrics").raise_for_status().text
        lines = [line.rsplit(" ", 1) for line in page.splitlines() if not line.startswith("#")]
        return {name: float(value) for name, value in lines}

    world.says(f"{PHONE}, {EMAIL}, {PHONE}.")
    blocks = world.gateway.create_client(scrub={"EMAIL": "block"})
    before = counts()
    with sdk(world, world.application) as openai:
        ask(openai)
    with sdk(world, blocks) as openai, pytest.raises(PermissionDeniedError):
        ask(openai)
    after = counts()
    grown = {name: after[name] - before.get(name, 0) for name in after if "redactions_t" in name}
    assert {name: by for name, by in grown.items() if by} == {
        'sealgate_redactions_total{type="PHONE"}': 3,
        'sealgate_redactions_total{type="EMAIL"}': 1,
    }
    name = 'sealgate_errors_total{code="answer_blocked"}'
    assert after[name] - before.get(name, 0) == 1


def test_neither_values_nor_tokens_are_kept(world):
    """Files and logs hold no masked value, no token and no pseudonym, in any coding."""
    echo(world)
    both = world.gateway.create_client(masks_requests=True, scrub={"default": "pseudonym"})
    before = world.upstream_calls()
    with sdk(world, both) as openai:
        said = ask(openai, f"call {PHONE}", conversation="canary-talk")
    [request] = world.vllm.requests[before:]
    [token] = TOKEN.findall(request.body.decode())
    [pseudonym, _] = re.findall(r"\[PHONE_[0-9a-f]{12}\]", said)
    kept = [path.read_bytes() for path in world.gateway.directory.rglob("*") if path.is_file()]
    for canary in (PHONE, token, token[7:15], pseudonym, pseudonym[7:19], "canary-talk"):
        assert not [data for data in kept if canary.encode() in data]
