"""Tokens in the place of personal data in requests."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.masks import Masks
from gateway.core.requests.chat import parse_chat
from gateway.core.requests.completions import parse_completion
from gateway.core.requests.embeddings import parse_embedding_request
from gateway.core.requests.fields import FreeObject
from gateway.core.requests.masking import mask_request
from gateway.core.requests.messages import parse_message_request
from gateway.core.requests.responses import parse_response_request
from gateway.core.restorer import Restorer

PHONE, EMAIL = "138-0013-8000", "Anna.Example@example.com"
SECRETS = (PHONE, EMAIL, "13800138000")


def masked(upstream: dict[str, Any]) -> tuple[dict[str, Any], Masks]:
    """Return *upstream* masked, and the masks."""
    masks = Masks(orjson.dumps(upstream))
    slices = mask_request(upstream, masks)
    while True:
        try:
            next(slices)
        except StopIteration as end:
            return end.value, masks


def chat(**members: Any) -> dict[str, Any]:
    """Return the checked form of a chat request."""
    said = [{"role": "user", "content": "hi"}]
    body = {"model": "tiny", "messages": said} | members
    return parse_chat(orjson.dumps(body)).upstream


class Plain:
    """A scrubber that changes nothing."""

    def feed(self, delta: str) -> str:
        """Return *delta*."""
        return delta

    def finish(self) -> str:
        """Return nothing."""
        return ""


def restored(text: str, masks: Masks) -> str:
    """Return *text* with the values of *masks*."""
    restorer = Restorer(Plain(), masks)
    return restorer.feed(text) + restorer.finish()


def test_no_text_of_a_chat_keeps_a_value() -> None:
    """Messages, parts, names of speakers, calls, results, tools, schemas and stop strings."""
    call = {"id": "c1", "type": "function"}
    call["function"] = {"name": "dial", "arguments": json.dumps({"to": PHONE})}
    schema = {"type": "object", "properties": {"to": {"enum": [PHONE, 13800138000]}}, PHONE: {}}
    function = {"name": "dial", "description": f"as {EMAIL}", "parameters": schema}
    upstream = chat(
        messages=[
            {"role": "system", "content": f"You are {EMAIL}."},
            {"role": "user", "content": [{"type": "text", "text": f"I am at {PHONE}"}]},
            {"role": "user", "content": "hi", "name": "13800138000"},
            {"role": "assistant", "reasoning": f"{PHONE}?", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c1", "content": f"dialled {PHONE}"},
        ],
        tools=[{"type": "function", "function": function}],
        response_format={
            "type": "json_schema",
            "json_schema": {"name": "x", "schema": {"description": EMAIL}},
        },
        stop=[f"{PHONE}."],
    )
    shown, masks = masked(upstream)
    body = orjson.dumps(shown).decode()
    assert not [value for value in SECRETS if value in body]
    assert shown["messages"][3]["tool_calls"][0]["id"] == "c1"
    said = json.loads(shown["messages"][3]["tool_calls"][0]["function"]["arguments"])
    token = masks.token("PHONE", PHONE)
    assert said == {"to": token}
    assert shown["messages"][4]["content"] == f"dialled {token}"
    assert shown["tools"][0]["function"]["parameters"]["properties"]["to"]["enum"][0] == token


def test_what_is_no_text_stays() -> None:
    """Names, identifiers, words of ours and numbers go on as they are."""
    call = {"id": "call-13800138000", "type": "function"}
    call["function"] = {"name": "f13800138000", "arguments": '{"n": 1.50, "a": true}'}
    answered = {"role": "tool", "tool_call_id": "call-13800138000", "content": "done"}
    upstream = chat(
        messages=[{"role": "assistant", "tool_calls": [call]}, answered],
        seed=13800138000,
        logit_bias={"1380013": 1},
        tool_choice="none",
    )
    shown, masks = masked(upstream)
    assert (shown, len(masks)) == (upstream, 0)


def test_prompts_are_masked() -> None:
    """One prompt or several; a value has one token in all of them."""
    body = orjson.dumps({"model": "tiny", "prompt": [f"tel {PHONE}", f"{PHONE} {EMAIL}"]})
    shown, masks = masked(parse_completion(body).upstream)
    token = masks.token("PHONE", PHONE)
    assert shown["prompt"][0] == f"tel {token}"
    assert re.fullmatch(rf"{re.escape(token)} \[EMAIL_[a-z]{{8}}\]", shown["prompt"][1])
    assert restored(shown["prompt"][1], masks) == f"{PHONE} {EMAIL}"


def test_responses_are_masked() -> None:
    """Instructions, items, calls, their outputs, reasoning and schemas of a response."""
    call = {"type": "function_call", "call_id": "c1", "name": "dial"}
    body = {
        "model": "tiny",
        "instructions": f"You are {EMAIL}.",
        "input": [
            {"role": "user", "content": [{"type": "input_text", "text": f"tel {PHONE}"}]},
            {"role": "assistant", "content": f"so {PHONE}"},
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": f"{PHONE}?"}]},
            call | {"arguments": json.dumps({"to": 13800138000})},
            {"type": "function_call_output", "call_id": "c1", "output": f"{PHONE} rang"},
        ],
        "tools": [
            {
                "type": "function",
                "name": "dial",
                "parameters": {"type": "object", "description": f"as {EMAIL}"},
            }
        ],
    }
    shown, masks = masked(parse_response_request(orjson.dumps(body)).upstream)
    assert not [value for value in SECRETS if value in orjson.dumps(shown).decode()]
    assert len(masks) == 3
    assert masked(parse_response_request(b'{"model":"tiny","input":"hi"}').upstream)[0] == {
        "model": "tiny",
        "input": "hi",
        "store": False,
    }


def test_messages_are_masked() -> None:
    """System text, blocks, inputs and results of tools, schemas and stop sequences."""
    use = {"type": "tool_use", "id": "t1", "name": "dial", "input": {"to": 13800138000, PHONE: 1}}
    body = {
        "model": "tiny",
        "max_tokens": 9,
        "system": [{"type": "text", "text": f"You are {EMAIL}."}],
        "messages": [
            {"role": "user", "content": f"tel {PHONE}"},
            {"role": "assistant", "content": [{"type": "thinking", "thinking": PHONE}, use]},
            {
                "role": "user",
                "content": [{"type": "tool_result", "tool_use_id": "t1", "content": PHONE}],
            },
        ],
        "tools": [{"name": "dial", "description": EMAIL, "input_schema": {"const": PHONE}}],
        "stop_sequences": [PHONE],
    }
    shown, masks = masked(parse_message_request(orjson.dumps(body)).upstream)
    assert not [value for value in SECRETS if value in orjson.dumps(shown).decode()]
    assert len(masks) == 3


def test_texts_to_embed_are_masked() -> None:
    """The numbers are those of the text with tokens in it."""
    body = {"model": "tiny", "input": [f"tel {PHONE}", "hi"], "encoding_format": "float"}
    shown, masks = masked(parse_embedding_request(orjson.dumps(body)).upstream)
    assert shown["input"] == [f"tel {masks.token('PHONE', PHONE)}", "hi"]


@pytest.mark.parametrize(
    "arguments",
    [
        '{"to": "13800138000", "to": "x"}',
        "to 13800138000",
        '["13800138000"]',
        '{"to": "\\u0031\\u0033800138000"}',
        '{"to": 13800138000}',
        '{"phone": {"13800138000": [null, "13800138000"]}}',
    ],
)
def test_arguments_hide_nothing(arguments: str) -> None:
    """Member names, numbers, escapes, members said twice and text that is no object are masked."""
    function = {"name": "f", "arguments": arguments}
    call = {"id": "c1", "type": "function", "function": function}
    shown, masks = masked(chat(messages=[{"role": "assistant", "tool_calls": [call]}]))
    said = shown["messages"][0]["tool_calls"][0]["function"]["arguments"]
    assert "3800138000" not in said
    assert len(masks) == 1


def test_names_of_members_tell_what_values_are() -> None:
    """What stands before a value in an object counts, as it does in a sentence."""
    schema = {"properties": {"passport number": {"default": "x"}}, "passport number": "E12345678"}
    tool = {"type": "function", "function": {"name": "f", "parameters": schema}}
    shown, masks = masked(chat(tools=[tool]))
    assert "E12345678" not in str(shown)
    assert len(masks) == 1


def test_a_long_name_is_not_copied_for_each_of_its_values() -> None:
    """Nobody can keep the gateway busy with the name of a list."""
    members = {"k" * 3_800_000: [1] * 10_000}
    began = time.process_time()
    shown, masks = masked({"parameters": FreeObject(members)})
    assert time.process_time() - began < 2
    assert (shown, len(masks)) == ({"parameters": members}, 0)


WORDS = st.sampled_from(
    [
        "tel ",
        PHONE,
        " mail ",
        EMAIL,
        "身份证号",
        "，",
        " [PHONE_bcdfghjk] ",
        "1380",
        "0138000 ",
        "\n",
    ]
)


@given(st.lists(WORDS, max_size=10).map("".join))
def test_masking_loses_nothing(text: str) -> None:
    """What was masked comes back character by character as the client wrote it."""
    shown, masks = masked(chat(messages=[{"role": "user", "content": text}]))
    assert restored(shown["messages"][0]["content"], masks) == text
