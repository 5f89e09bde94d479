"""Requests for a response."""

from typing import Any

import orjson
import pytest

from gateway.core.errors import MalformedRequest, SealgateError, UnsupportedParameter
from gateway.core.grants import Operation
from gateway.core.requests.responses import parse_response_request

BASE: dict[str, Any] = {"model": "tiny", "input": "hi"}


def sent(fields: dict[str, Any]) -> Any:
    """Return what goes upstream of a request with *fields* added."""
    return orjson.loads(parse_response_request(orjson.dumps(BASE | fields)).upstream_body)


def test_a_plain_request_passes() -> None:
    """Model and input are enough, and nothing is kept on the server."""
    request = parse_response_request(orjson.dumps(BASE))
    assert (request.operation, request.stream) == (Operation.RESPONSES, False)
    assert orjson.loads(request.upstream_body) == BASE | {"store": False}


def test_what_client_libraries_send_passes() -> None:
    """All ordinary fields go upstream as they are."""
    tool = {"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": True}
    fields = {
        "stream": True,
        "instructions": "be brief",
        "tools": [tool],
        "tool_choice": {"type": "function", "name": "f"},
        "parallel_tool_calls": False,
        "text": {"format": {"type": "json_schema", "name": "n", "schema": {}}},
        "reasoning": {"effort": "low"},
        "max_output_tokens": 5,
        "temperature": 0.2,
        "top_p": 1,
        "seed": 1,
        "stop": ["END"],
        "truncation": "disabled",
    }
    assert sent(fields) == BASE | fields | {"store": False}


def test_what_means_nothing_to_the_model_stays_here() -> None:
    """Who asks, what would be included anyway, and what says the default out loud."""
    fields = {
        "user": "canary",
        "metadata": {"a": "canary"},
        "stream_options": {"include_obfuscation": False},
        "include": ["reasoning.encrypted_content"],
        "store": False,
        "background": False,
        "previous_response_id": None,
        "top_logprobs": 0,
        "text": {},
        "reasoning": {"summary": "auto"},
    }
    assert sent(fields) == BASE | {"store": False, "reasoning": {}}


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"store": True}, UnsupportedParameter),
        ({"background": True}, UnsupportedParameter),
        ({"previous_response_id": "canary"}, UnsupportedParameter),
        ({"conversation": "canary"}, UnsupportedParameter),
        ({"prompt": {"id": "canary"}}, UnsupportedParameter),
        ({"include": ["message.output_text.logprobs"]}, UnsupportedParameter),
        ({"include": "canary"}, MalformedRequest),
        ({"include": ["file_search_call.results"]}, UnsupportedParameter),
        ({"include": [5, {}]}, UnsupportedParameter),
        ({"top_logprobs": 1}, UnsupportedParameter),
        ({"enable_response_messages": True}, UnsupportedParameter),
        ({"max_tool_calls": 1}, UnsupportedParameter),
        ({"structured_outputs": {"regex": "canary"}}, UnsupportedParameter),
        ({"request_id": "canary"}, UnsupportedParameter),
        ({"tools": [{"type": "web_search"}]}, MalformedRequest),
        ({"tools": [{"type": "function"}]}, MalformedRequest),
        ({"tool_choice": "required"}, MalformedRequest),
        ({"tool_choice": {"type": "mcp"}}, MalformedRequest),
        ({"text": {"format": {"type": "grammar"}}}, MalformedRequest),
        ({"text": {"verbosity": "low"}}, UnsupportedParameter),
        ({"input": None}, MalformedRequest),
        ({"input": 5}, MalformedRequest),
        ({"model": None}, MalformedRequest),
    ],
)
def test_everything_else_is_refused(fields: dict[str, Any], error: type[SealgateError]) -> None:
    """What is kept on the server, what is not scrubbed, what is wrong; no value is repeated."""
    with pytest.raises(error) as caught:
        sent(fields)
    assert "canary" not in caught.value.detail


def test_regular_expressions_are_refused_where_the_model_obeys() -> None:
    """In the format of the answer, in strict tools, and in tools that it has to call."""
    schema = {"pattern": "canary"}
    free = {"type": "function", "name": "f", "parameters": schema}
    assert sent({"tools": [free]})["tools"] == [free]
    for fields in (
        {"text": {"format": {"type": "json_schema", "name": "n", "schema": schema}}},
        {"tools": [free | {"strict": True}]},
        {"tools": [free], "tool_choice": "required"},
    ):
        with pytest.raises(UnsupportedParameter):
            sent(fields)
