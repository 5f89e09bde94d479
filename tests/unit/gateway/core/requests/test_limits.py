"""Requests held to the limits of their client."""

from dataclasses import fields, replace
from typing import Any

import orjson
import pytest

from gateway.core.apis import APIS
from gateway.core.errors import UnsupportedParameter
from gateway.core.grants import Operation, Parameter
from gateway.core.request_limits import DEFAULTS, RequestLimits
from gateway.core.requests.inference_request import InferenceRequest
from gateway.core.requests.limits import COUNTED, limited

CHAT, TEXT = Operation.CHAT_COMPLETIONS, Operation.COMPLETIONS
RESPONSE, MESSAGE = Operation.RESPONSES, Operation.MESSAGES
HI = [{"role": "user", "content": "hi"}]
BASES: dict[Operation, dict[str, Any]] = {
    CHAT: {"messages": HI},
    TEXT: {"prompt": "hi"},
    RESPONSE: {"input": "hi"},
    MESSAGE: {"max_tokens": 5, "messages": HI},
    Operation.EMBEDDINGS: {},
}
DEEP = {"properties": {"a": {"items": {"type": "null"}}}}
FUNCTION = {"name": "f", "parameters": DEEP}
CASES: list[tuple[Operation, dict[str, Any], RequestLimits, str]] = [
    (CHAT, {"max_tokens": 9}, RequestLimits(output_tokens=8), "/max_tokens"),
    (TEXT, {"max_tokens": 9}, RequestLimits(output_tokens=8), "/max_tokens"),
    (MESSAGE, {"max_tokens": 9}, RequestLimits(output_tokens=8), "/max_tokens"),
    (CHAT, {"max_completion_tokens": 9}, RequestLimits(output_tokens=8), "/max_completion_tokens"),
    (RESPONSE, {"max_output_tokens": 9}, RequestLimits(output_tokens=8), "/max_output_tokens"),
    (CHAT, {"n": 9}, DEFAULTS, "/n"),
    (CHAT, {"stop": ["a"] * 5}, DEFAULTS, "/stop"),
    (TEXT, {"stop": "abc"}, RequestLimits(stop_characters=2), "/stop"),
    (MESSAGE, {"stop_sequences": ["a"] * 5}, DEFAULTS, "/stop_sequences"),
    (MESSAGE, {"stop_sequences": ["abc"]}, RequestLimits(stop_characters=2), "/stop_sequences"),
    (CHAT, {"logit_bias": {"1": 0, "2": 0}}, RequestLimits(biases=1), "/logit_bias"),
    (CHAT, {"logprobs": True, "top_logprobs": 2}, RequestLimits(alternatives=1), "/top_logprobs"),
    (TEXT, {"logprobs": 2}, RequestLimits(alternatives=1), "/logprobs"),
    (TEXT, {"prompt_logprobs": 2}, RequestLimits(alternatives=1), "/prompt_logprobs"),
    (CHAT, {"messages": HI * 3}, RequestLimits(messages=2), "/messages"),
    (RESPONSE, {"input": HI * 3}, RequestLimits(messages=2), "/input"),
    (CHAT, {"tools": [{"type": "function", "function": FUNCTION}] * 2}, RequestLimits(tools=1),
     "/tools"),
    (CHAT, {"tools": [{"type": "function", "function": FUNCTION}]}, RequestLimits(schema_bytes=30),
     "/tools/0/function/parameters"),
    (CHAT, {"tools": [{"type": "function", "function": FUNCTION}]}, RequestLimits(schema_depth=3),
     "/tools/0/function/parameters"),
    (RESPONSE, {"tools": [{"type": "function", **FUNCTION}]}, RequestLimits(schema_depth=3),
     "/tools/0/parameters"),
    (MESSAGE, {"tools": [{"name": "f", "input_schema": DEEP}]}, RequestLimits(schema_bytes=30),
     "/tools/0/input_schema"),
    (RESPONSE, {"text": {"format": {"type": "json_schema", "name": "f", "schema": DEEP}}},
     RequestLimits(schema_bytes=30), "/text/format/schema"),
    (MESSAGE, {"output_config": {"format": {"type": "json_schema", "schema": DEEP}}},
     RequestLimits(schema_bytes=30), "/output_config/format/schema"),
    (TEXT, {"structured_outputs": {"json": DEEP}}, RequestLimits(schema_depth=3),
     "/structured_outputs/json"),
]  # fmt: skip


def parse(operation: Operation, given: dict[str, Any]) -> InferenceRequest:
    """Return the request with what is *given*, for a client with all grants."""
    body = orjson.dumps({"model": "tiny", **BASES[operation], **given})
    return APIS[operation].parse(body, frozenset(Parameter))


@pytest.mark.parametrize(("operation", "given", "limits", "pointer"), CASES)
def test_more_than_a_limit_is_refused(
    operation: Operation, given: dict[str, Any], limits: RequestLimits, pointer: str
) -> None:
    """With the place and the name of the limit."""
    request = parse(operation, given)
    with pytest.raises(UnsupportedParameter, match="limit '") as caught:
        limited(request, limits)
    assert caught.value.pointer == pointer
    counted = caught.value.detail.split("'")[1]
    above = replace(limits, **{counted: getattr(limits, counted) + 1000})
    assert limited(request, above).upstream.items() >= request.upstream.items()


def test_every_limit_counts_something() -> None:
    """No limit is for show."""
    assert {counted.limit for counted in COUNTED} == {field.name for field in fields(DEFAULTS)}


def test_an_answer_has_an_end_where_there_is_a_limit() -> None:
    """A request that names none is given it; without a limit the model's context is the end."""
    limits = RequestLimits(output_tokens=50)
    assert limited(parse(CHAT, {}), limits).upstream["max_completion_tokens"] == 50
    assert limited(parse(RESPONSE, {}), limits).upstream["max_output_tokens"] == 50
    for request in (parse(CHAT, {"max_tokens": 7}), parse(TEXT, {}), parse(MESSAGE, {})):
        assert limited(request, limits) == request
    assert limited(parse(CHAT, {}), DEFAULTS) == parse(CHAT, {})


def test_a_prompt_of_token_ids_is_one() -> None:
    """However long it is; several are several."""
    limits = RequestLimits(messages=1)
    for given in ([1, 2, 3], [[1, 2, 3]], "hi"):
        limited(parse(Operation.EMBEDDINGS, {"input": given}), limits)
    with pytest.raises(UnsupportedParameter, match="messages"):
        limited(parse(Operation.EMBEDDINGS, {"input": [[1], [2]]}), limits)
