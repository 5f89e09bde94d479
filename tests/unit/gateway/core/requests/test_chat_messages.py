"""Checks of messages, tools and response formats."""

from typing import Any

import pytest

from gateway.core.errors import MalformedRequest, SealgateError, UnsupportedParameter
from gateway.core.requests import chat_messages as checks
from gateway.core.requests.schemas import use_schemas

CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
TOOL = {
    "type": "function",
    "function": {"name": "f", "parameters": {"type": "object", "properties": {"pattern": {}}}},
}

MESSAGES = [
    {"role": "system", "content": "Be brief."},
    {"role": "developer", "content": "x"},
    {"role": "user", "content": [{"type": "text", "text": "hi"}], "name": "ann"},
    {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]},
    {"role": "assistant", "tool_calls": [CALL], "reasoning": "r", "refusal": "no"},
    {"role": "tool", "tool_call_id": "call_1", "content": "42"},
]

BAD_MESSAGES: list[Any] = [
    {"role": "user"},
    {"role": "canary", "content": "x"},
    {"role": ["user"], "content": "x"},
    {"content": "x"},
    "canary",
    {"role": "tool", "content": "x"},
    {"role": "user", "content": 1},
    {"role": "user", "content": []},
    {"role": "user", "content": ["canary"]},
    {"role": "user", "content": [{"text": "x"}]},
    {"role": "user", "content": [{"type": "text", "text": "x", "refusal": "y"}]},
    {"role": "user", "content": [{"type": "text", "refusal": "y"}]},
    {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x.example"}}]},
    {"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]},
    {"role": "user", "content": [{"type": "file", "file": {}}]},
    {"role": "user", "content": "x", "tool_calls": [CALL]},
    {"role": "user", "content": "x", "canary": 1},
    {"role": "assistant", "content": "x", "audio": {"id": "canary"}},
    {"role": "assistant", "tool_calls": "canary"},
    {"role": "assistant", "tool_calls": [{}]},
    {"role": "assistant", "tool_calls": [CALL | {"function": {"arguments": "{}"}}]},
]


def test_text_messages_pass() -> None:
    """All roles with text and tool calls come back as they are."""
    assert checks.messages("messages", MESSAGES) == MESSAGES


def test_empty_members_of_client_libraries_are_left_out() -> None:
    """What libraries send back with nothing in it goes no further."""
    message = {
        "role": "assistant",
        "content": "x",
        "audio": None,
        "annotations": [],
        "function_call": {},
        "tool_calls": [],
    }
    assert checks.messages("messages", [message]) == [{"role": "assistant", "content": "x"}]


@pytest.mark.parametrize("message", BAD_MESSAGES)
def test_other_messages_are_refused(message: Any) -> None:
    """Anything but text, in any shape not listed, is an error that repeats nothing."""
    with pytest.raises(SealgateError) as caught:
        checks.messages("messages", [message])
    if not isinstance(message, dict) or "canary" not in message:
        assert "canary" not in caught.value.detail


@pytest.mark.parametrize("value", [[], "x", None, [MESSAGES[0]] * 4097])
def test_a_conversation_has_some_messages(value: Any) -> None:
    """None at all, or too many, is an error."""
    with pytest.raises(MalformedRequest):
        checks.messages("messages", value)


def test_tools_pass() -> None:
    """Function tools come back; a property may have any name."""
    assert checks.tools("tools", [TOOL]) == [TOOL]


@pytest.mark.parametrize(
    "value",
    [
        [],
        "x",
        [{"type": "canary", "function": {"name": "f"}}],
        [{"type": "function"}],
        [{"type": "function", "function": {"name": "a b"}}],
        [{"type": "function", "function": {}}],
        [{"type": "function", "function": {"name": "f", "parameters": []}}],
    ],
)
def test_other_tools_are_refused(value: Any) -> None:
    """Only named functions are tools."""
    with pytest.raises(SealgateError):
        checks.tools("tools", value)


def test_tool_choices() -> None:
    """The three words and one function by name are choices; nothing else is."""
    named = {"type": "function", "function": {"name": "f"}}
    assert checks.tool_choice("tool_choice", "required") == "required"
    assert checks.tool_choice("tool_choice", named) == named
    for wrong in ("canary", {"type": "function"}, 1):
        with pytest.raises(MalformedRequest):
            checks.tool_choice("tool_choice", wrong)


def schema_format(schema: Any) -> dict[str, Any]:
    """Return a response format with *schema*."""
    return {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}


@pytest.mark.parametrize(
    "value",
    [
        {"type": "text"},
        {"type": "json_object"},
        {"type": "json_schema", "json_schema": {"name": "x"}},
        schema_format({"properties": {"pattern": {"type": "string"}}, "required": ["pattern"]}),
        schema_format({"enum": [{"pattern": "x"}], "anyOf": [{"type": "null"}]}),
        schema_format({"$ref": "#/$defs/A_1", "$defs": {"A_1": {"type": "null"}}}),
        schema_format({"items": {"$ref": "#/definitions/a.B-c"}, "properties": {"$ref": {}}}),
    ],
)
def test_response_formats_pass(value: Any) -> None:
    """Text, JSON, and JSON by a schema come back as they are."""
    assert checks.response_format("response_format", value) == value


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ({}, MalformedRequest),
        ({"type": "json_schema"}, MalformedRequest),
        ({"type": "text", "json_schema": {"name": "x"}}, MalformedRequest),
        ({"type": "structural_tag"}, MalformedRequest),
        (schema_format({"pattern": "[0-9]+"}), UnsupportedParameter),
        (schema_format({"patternProperties": {}}), UnsupportedParameter),
        (schema_format({"$ref": "#/default", "default": {"pattern": "x"}}), UnsupportedParameter),
        (schema_format({"$ref": "#/properties", "properties": {}}), UnsupportedParameter),
        (schema_format({"items": {"$ref": "#/examples/0"}}), UnsupportedParameter),
        (schema_format({"$ref": "#/$defs/a/enum"}), UnsupportedParameter),
        (schema_format({"$ref": "#/$defs/a~1b"}), UnsupportedParameter),
        (schema_format({"$ref": "https://example.com/#/$defs/a"}), UnsupportedParameter),
        (schema_format({"$ref": "#"}), UnsupportedParameter),
        (schema_format({"$ref": {"a": 1}}), UnsupportedParameter),
        (schema_format({"$dynamicRef": "#a"}), UnsupportedParameter),
        (schema_format({"not": {"$recursiveRef": "#"}}), UnsupportedParameter),
        (schema_format({"$defs": {"a": {"pattern": "x"}}}), UnsupportedParameter),
        (schema_format({"$defs": [{"pattern": "x"}]}), UnsupportedParameter),
        (schema_format({"dependencies": {"enum": {"pattern": "x"}}}), UnsupportedParameter),
        (schema_format({"properties": {"a": {"pattern": "x"}}}), UnsupportedParameter),
        (schema_format({"anyOf": [{"items": {"pattern": "x"}}]}), UnsupportedParameter),
        (schema_format({"$defs": {"pattern": {"not": {"pattern": "x"}}}}), UnsupportedParameter),
    ],
)
def test_regular_expressions_in_formats_are_refused(value: Any, error: type[SealgateError]) -> None:
    """A format is one of three, and its schema holds no regular expression at any depth."""
    with pytest.raises(error):
        use_schemas(
            {"response_format": checks.response_format("response_format", value)},
            frozenset(),
            forced=False,
        )
