"""Requests for a chat, and what they have in common with those for a completion."""

from typing import Any

import orjson
import pytest

from gateway.core.apis import APIS
from gateway.core.errors import (
    MalformedRequest,
    SealgateError,
    UnsupportedParameter,
)
from gateway.core.grants import Operation

CHAT: dict[str, Any] = {"model": "tiny", "messages": [{"role": "user", "content": "hi"}]}
TEXT: dict[str, Any] = {"model": "tiny", "prompt": "hi"}
BOTH = [Operation.CHAT_COMPLETIONS, Operation.COMPLETIONS]


def parse(fields: dict[str, Any], operation: Operation = Operation.CHAT_COMPLETIONS) -> Any:
    """Parse a chat request with *fields* added."""
    base = CHAT if operation is Operation.CHAT_COMPLETIONS else TEXT
    return APIS[operation].parse(orjson.dumps(base | fields), frozenset())


@pytest.mark.parametrize("operation", BOTH)
def test_a_plain_request_passes(operation: Operation) -> None:
    """Model and prompt are enough; the answer is not streamed unless asked."""
    request = parse({}, operation)
    assert request.operation is operation
    assert request.model == "tiny"
    assert request.stream is False
    base = CHAT if operation is Operation.CHAT_COMPLETIONS else TEXT
    assert orjson.loads(request.upstream_body) == base


def test_what_client_libraries_send_passes() -> None:
    """All ordinary fields go upstream as they are."""
    fields = {
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": 0.2,
        "top_p": 1,
        "n": 8,
        "stop": ["END"],
        "seed": -1,
        "max_tokens": 5,
        "max_completion_tokens": 5,
        "presence_penalty": -2,
        "frequency_penalty": 2.0,
        "logit_bias": {"1": 1},
        "top_k": -1,
        "min_p": 0.05,
        "repetition_penalty": 1.1,
        "tools": [{"type": "function", "function": {"name": "f"}}],
        "tool_choice": "auto",
        "parallel_tool_calls": False,
        "response_format": {"type": "json_object"},
        "reasoning_effort": "low",
    }
    request = parse(fields)
    assert request.stream is True
    assert orjson.loads(request.upstream_body) == CHAT | fields


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ({}, False),
        ({"stream_options": None}, False),
        ({"stream_options": {}}, False),
        ({"stream_options": {"include_usage": None}}, False),
        ({"stream_options": {"include_usage": False}}, False),
        ({"stream_options": {"include_usage": True}}, True),
    ],
)
def test_the_cost_of_a_stream_is_always_asked_for(options: dict[str, object], shown: bool) -> None:
    """vLLM says what each stream costs; whether the caller sees it is the caller's choice."""
    request = parse({"stream": True, **options})
    assert orjson.loads(request.upstream_body)["stream_options"] == {"include_usage": True}
    assert request.usage_shown is shown


def test_what_says_who_asks_stays_here() -> None:
    """Fields about the end user, and fields that are null, are not sent on."""
    fields = {
        "user": "canary",
        "metadata": {"a": "canary"},
        "store": True,
        "service_tier": "auto",
        "temperature": None,
        "logprobs": None,
    }
    assert b"canary" not in parse(fields).upstream_body
    assert orjson.loads(parse(fields).upstream_body) == CHAT


def test_the_upstream_body_is_written_anew() -> None:
    """Spelling, order of bytes and white space of the caller do not reach the model server."""
    body = b'{ "model" : "ti\\u006ey", "messages": [{"role":"user","content":"\\u0068i"}] }'
    request = APIS[Operation.CHAT_COMPLETIONS].parse(body, frozenset())
    assert request.upstream_body == b'{"model":"tiny","messages":[{"role":"user","content":"hi"}]}'


REFUSED = {
    "logprobs": True,
    "top_logprobs": 5,
    "prompt_logprobs": 0,
    "echo": True,
    "return_token_ids": True,
    "return_tokens_as_token_ids": True,
    "prompt_text": True,
    "best_of": 2,
    "chat_template": "canary",
    "chat_template_kwargs": {"canary": 1},
    "prompt_embeds": "canary",
    "guided_regex": "canary",
    "guided_grammar": "canary",
    "guided_json": {},
    "guided_choice": ["canary"],
    "priority": -1,
    "skip_special_tokens": False,
    "use_beam_search": True,
    "mm_processor_kwargs": {},
    "lora_request": {},
    "allowed_token_ids": [1],
    "bad_words": ["canary"],
    "min_tokens": 3,
    "ignore_eos": True,
    "functions": [],
    "function_call": "auto",
    "modalities": ["audio"],
    "prompt_token_ids": [1],
    "suffix": "canary",
    "cache_salt": "canary",
    "kv_transfer_params": {},
    "logits_processors": ["canary"],
    "vllm_xargs": {},
}


@pytest.mark.parametrize("operation", BOTH)
@pytest.mark.parametrize("name", REFUSED)
def test_everything_else_is_refused_by_name(name: str, operation: Operation) -> None:
    """The error names the field and does not hold its value."""
    with pytest.raises(UnsupportedParameter) as caught:
        parse({name: REFUSED[name]}, operation)
    assert f"'{name}'" in caught.value.detail
    assert "canary" not in caught.value.detail


@pytest.mark.parametrize(
    "fields", [{"logprobs": False}, {"echo": False}, {"best_of": 1}, {"modalities": ["text"]}]
)
def test_a_refused_field_that_asks_for_nothing_is_dropped(fields: dict[str, Any]) -> None:
    """Saying the default out loud is no fault."""
    assert orjson.loads(parse(fields).upstream_body) == CHAT


def test_zero_log_probabilities_are_still_log_probabilities() -> None:
    """Zero is not false: it asks for the chosen token's probability."""
    with pytest.raises(UnsupportedParameter):
        parse({"logprobs": 0}, Operation.COMPLETIONS)
    with pytest.raises(UnsupportedParameter):
        parse({"best_of": True}, Operation.COMPLETIONS)


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"model": None}, MalformedRequest),
        ({"messages": None}, MalformedRequest),
        ({"model": "a b"}, MalformedRequest),
        ({"n": 33}, MalformedRequest),
        ({"stream": "yes"}, MalformedRequest),
        ({"stream_options": {"include_usage": True}}, MalformedRequest),
        (
            {"stream": True, "stream_options": {"continuous_usage_stats": True}},
            UnsupportedParameter,
        ),
        ({"seed": 1e30}, MalformedRequest),
        ({"prompt": "x"}, UnsupportedParameter),
        ({"a canary with spaces": 1}, UnsupportedParameter),
    ],
)
def test_wrong_values_are_refused(fields: dict[str, Any], error: type[SealgateError]) -> None:
    """Each field has its range, and each operation its own fields."""
    with pytest.raises(error) as caught:
        parse(fields)
    assert "canary with" not in caught.value.detail


@pytest.mark.parametrize(
    "fields",
    [
        {"continue_final_message": True, "add_generation_prompt": False},
        {"add_generation_prompt": False},
        {"messages": [{"role": "assistant", "content": "canary 138", "prefix": True}]},
        {"messages": [{"role": "assistant", "content": "canary 138", "partial": True}]},
    ],
)
def test_no_chat_answer_continues_a_message(fields: dict[str, Any]) -> None:
    """Every way to have the model go on inside a message is refused."""
    with pytest.raises(UnsupportedParameter):
        parse(fields)


@pytest.mark.parametrize("operation", BOTH)
def test_the_repr_of_a_request_holds_no_prompt(operation: Operation) -> None:
    """What the caller wrote is in no trace and no log."""
    fields = {"messages": [{"role": "user", "content": "canary"}]}
    if operation is Operation.COMPLETIONS:
        fields = {"prompt": "canary"}
    assert "canary" not in repr(parse(fields, operation))
