"""Requests for a message."""

from typing import Any

import orjson
import pytest

from gateway.core.errors import MalformedRequest, SealgateError, UnsupportedParameter
from gateway.core.grants import Operation
from gateway.core.requests.messages import parse_message_request

HI = {"role": "user", "content": "hi"}
BASE: dict[str, Any] = {"model": "tiny", "max_tokens": 5, "messages": [HI]}
TOOL = {"name": "f", "input_schema": {"type": "object"}}


def sent(fields: dict[str, Any]) -> Any:
    """Return what goes upstream of a request with *fields* added."""
    return orjson.loads(parse_message_request(orjson.dumps(BASE | fields)).upstream_body)


def test_a_plain_request_passes() -> None:
    """Model, limit and messages are enough."""
    request = parse_message_request(orjson.dumps(BASE | {"stop_sequences": ["END"]}))
    assert (request.operation, request.stream) == (Operation.MESSAGES, False)
    assert request.stops == {"END"}
    assert sent({}) == BASE


def test_what_client_libraries_send_passes() -> None:
    """All ordinary fields go upstream as they are."""
    fields = {
        "stream": True,
        "system": [{"type": "text", "text": "be brief"}],
        "messages": [
            HI,
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "well"},
                    {"type": "text", "text": "so"},
                    {"type": "tool_use", "id": "c", "name": "f", "input": {"a": 1}},
                ],
            },
            {
                "role": "user",
                "content": [{"type": "tool_result", "tool_use_id": "c", "content": "5"}],
            },
        ],
        "tools": [TOOL],
        "tool_choice": {"type": "tool", "name": "f", "disable_parallel_tool_use": True},
        "temperature": 0.2,
        "top_p": 1,
        "top_k": 5,
        "stop_sequences": ["END"],
        "thinking": {"type": "enabled", "budget_tokens": 1024},
        "output_config": {"effort": "low", "format": {"type": "json_schema", "schema": {}}},
    }
    assert sent(fields) == BASE | fields


def test_what_means_nothing_to_the_model_stays_here() -> None:
    """Who asks, notes for a cache, signatures, and thoughts that nobody can read."""
    note = {"cache_control": {"type": "ephemeral"}}
    content = [
        {"type": "thinking", "thinking": "x", "signature": "canary"},
        {"type": "redacted_thinking", "data": "canary"},
        {"type": "text", "text": "y", "citations": ["canary"], **note},
    ]
    fields = {
        "metadata": {"user_id": "canary"},
        "service_tier": "auto",
        "tools": [TOOL | note],
        "messages": [{"role": "assistant", "content": content}],
    }
    assert sent(fields) == BASE | {
        "tools": [TOOL],
        "messages": [
            {
                "role": "assistant",
                "content": [{"type": "thinking", "thinking": "x"}, {"type": "text", "text": "y"}],
            }
        ],
    }


def said(*content: Any, role: str = "user") -> dict[str, Any]:
    """Return the fields of a request with one message."""
    return {"messages": [{"role": role, "content": list(content)}]}


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"max_tokens": None}, MalformedRequest),
        ({"max_tokens": 0}, MalformedRequest),
        ({"messages": []}, MalformedRequest),
        ({"model": "a b"}, MalformedRequest),
        (said({"type": "image", "source": {"type": "url", "url": "canary"}}), MalformedRequest),
        (said({"type": "document", "source": "canary"}), UnsupportedParameter),
        (said({"type": "canary"}), MalformedRequest),
        (said({"type": "thinking", "thinking": "x"}), MalformedRequest),
        (said({"type": "text", "text": 5}), MalformedRequest),
        (said({"type": "tool_use", "id": "c", "name": "f", "input": "canary"}, role="assistant"),
         MalformedRequest),
        (said({"type": "tool_result", "tool_use_id": "c", "content": [{"type": "image"}]}),
         UnsupportedParameter),
        (said("canary"), MalformedRequest),
        (said({"type": "text", "text": "x"}, role="canary"), MalformedRequest),
        ({"tools": [{"name": "f"}]}, MalformedRequest),
        ({"tools": [TOOL | {"type": "bash_20250124"}]}, MalformedRequest),
        ({"tools": ["canary"]}, MalformedRequest),
        ({"tool_choice": {"type": "any"}}, MalformedRequest),
        ({"tool_choice": "auto"}, MalformedRequest),
        ({"thinking": {"type": "enabled", "budget_tokens": 5}}, MalformedRequest),
        ({"mcp_servers": []}, UnsupportedParameter),
        ({"chat_template_kwargs": {"canary": 1}}, UnsupportedParameter),
        ({"cache_salt": "canary"}, UnsupportedParameter),
        ({"vllm_xargs": {}}, UnsupportedParameter),
        ({"stop_sequences": ["a"] * 65}, MalformedRequest),
    ],
)  # fmt: skip
def test_everything_else_is_refused(fields: dict[str, Any], error: type[SealgateError]) -> None:
    """What is no text, points elsewhere, or is not known; no value is repeated."""
    with pytest.raises(error) as caught:
        sent(fields)
    assert "canary" not in caught.value.detail


def test_regular_expressions_are_refused_where_the_model_obeys() -> None:
    """In the format of the answer, in strict tools, and in tools that it has to call."""
    schema = {"pattern": "canary"}
    free = {"name": "f", "input_schema": schema}
    assert sent({"tools": [free]})["tools"] == [free]
    for fields in (
        {"output_config": {"format": {"type": "json_schema", "schema": schema}}},
        {"tools": [free | {"strict": True}]},
        {"tools": [free], "tool_choice": {"type": "any"}},
    ):
        with pytest.raises(UnsupportedParameter):
            sent(fields)
