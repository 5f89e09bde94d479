"""Checks of the nested parts of a chat request: messages, tools and the response format.

Text alone is let through. Parts that point elsewhere (images, audio, video, files) would make the
model server fetch an address of the caller's choice.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from gateway.core.errors import MalformedRequest, UnsupportedParameter
from gateway.core.requests.fields import (
    Check,
    exact_object,
    flag,
    identifier,
    json_object,
    malformed,
    one_of,
    require,
    speaker_name,
    text,
    unsupported,
)
from gateway.core.requests.schemas import verify_no_patterns

MAX_MESSAGES: Final = 4096
MAX_PARTS: Final = 1024
MAX_TOOLS: Final = 128

_MEDIA: Final = frozenset(
    [
        "image_url",
        "input_image",
        "image_embeds",
        "image_pil",
        "input_audio",
        "audio_url",
        "audio_embeds",
        "video_url",
        "file",
        "input_file",
    ]
)


def messages(name: str, value: Any) -> Any:
    """Accept a conversation of text messages; null members are left out."""
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_MESSAGES:
        raise malformed(name, f"a list of 1 to {MAX_MESSAGES} messages")
    return [_message(item) for item in value]


def tools(name: str, value: Any) -> Any:
    """Accept function tools."""
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_TOOLS:
        raise malformed(name, f"a list of 1 to {MAX_TOOLS} tools")
    return [_typed(name, item, members=_TOOL, needed="function") for item in value]


def tool_choice(name: str, value: Any) -> Any:
    """Accept ``none``, ``auto``, ``required`` or one function by name."""
    if isinstance(value, str):
        return one_of("none", "auto", "required")(name, value)
    return _typed(name, value, members=_NAMED_TOOL, needed="function")


def response_format(name: str, value: Any) -> Any:
    """Accept text, any JSON, or JSON by a schema without regular expressions."""
    checked = exact_object(name, value, members=_RESPONSE_FORMAT)
    require(name, checked, ["type"])
    if (checked["type"] == "json_schema") != ("json_schema" in checked):
        raise malformed(name, "of type json_schema exactly where it has that member")
    if "json_schema" in checked:
        verify_no_patterns(name, checked["json_schema"].get("schema", {}))
    return checked


def _message(value: Any) -> dict[str, Any]:
    role = value.get("role") if isinstance(value, dict) else None
    members = _ROLES.get(role) if isinstance(role, str) else None
    if members is None:
        raise malformed("messages", "a list of objects with a known role")
    checked = exact_object("messages", value, members=members)
    if role == "tool":
        require("messages", checked, ["tool_call_id"])
    if role != "assistant":
        require("messages", checked, ["content"])
    return {member: inner for member, inner in checked.items() if inner is not _LEFT_OUT}


def _content(name: str, value: Any) -> Any:
    if isinstance(value, str):
        return value
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_PARTS:
        raise malformed(name, f"a string or a list of 1 to {MAX_PARTS} parts")
    return [_part(name, part) for part in value]


def _part(name: str, value: Any) -> dict[str, Any]:
    kind = value.get("type") if isinstance(value, dict) else None
    if isinstance(kind, str) and kind in _MEDIA:
        raise UnsupportedParameter(f"The field '{name}' holds a part that is not text.")
    checked = exact_object(name, value, members=_PART)
    require(name, checked, ["type"])
    require(name, checked, [checked["type"]])
    if len(checked) != 2:
        raise malformed(name, "made of parts of one type each")
    return checked


def _tool_calls(name: str, value: Any) -> Any:
    if not isinstance(value, list) or len(value) > MAX_TOOLS:
        raise malformed(name, f"a list of at most {MAX_TOOLS} calls")
    if not value:
        return _LEFT_OUT
    return [_typed(name, call, members=_TOOL_CALL, needed="function") for call in value]


def _empty(name: str, value: Any) -> Any:
    """Accept the empty members that client libraries send back; they go no further."""
    if value not in ({}, [], ""):
        raise unsupported(name, "it is not text")
    return _LEFT_OUT


def _typed(name: str, value: Any, *, members: dict[str, Check], needed: str) -> dict[str, Any]:
    checked = exact_object(name, value, members=members)
    require(name, checked, ["type", needed])
    return checked


def _function(name: str, value: Any, *, members: dict[str, Check]) -> dict[str, Any]:
    checked = exact_object(name, value, members=members)
    require(name, checked, ["name"])
    return checked


class _LeftOut:
    """Marks a member that was understood and does not go upstream."""


_LEFT_OUT: Final = _LeftOut()

_PART: Final[dict[str, Check]] = {"type": one_of("text", "refusal"), "text": text, "refusal": text}
_CALLED: Final[dict[str, Check]] = {"name": identifier, "arguments": text}
_DECLARED: Final[dict[str, Check]] = {
    "name": identifier,
    "description": text,
    "parameters": json_object,
    "strict": flag,
}
_SCHEMA: Final[dict[str, Check]] = {
    "name": identifier,
    "description": text,
    "schema": json_object,
    "strict": flag,
}
_FUNCTION_TYPE: Final = one_of("function")
_TOOL_CALL: Final[dict[str, Check]] = {
    "id": identifier,
    "type": _FUNCTION_TYPE,
    "function": partial(_function, members=_CALLED),
}
_TOOL: Final[dict[str, Check]] = {
    "type": _FUNCTION_TYPE,
    "function": partial(_function, members=_DECLARED),
}
_NAMED: Final[dict[str, Check]] = {"name": identifier}
_NAMED_TOOL: Final[dict[str, Check]] = {
    "type": _FUNCTION_TYPE,
    "function": partial(_function, members=_NAMED),
}
_RESPONSE_FORMAT: Final[dict[str, Check]] = {
    "type": one_of("text", "json_object", "json_schema"),
    "json_schema": partial(_function, members=_SCHEMA),
}
_SPEAKER: Final[dict[str, Check]] = {
    "role": one_of("system", "developer", "user", "assistant", "tool"),
    "content": _content,
    "name": speaker_name,
}
_ROLES: Final[dict[str, dict[str, Check]]] = {
    "system": _SPEAKER,
    "developer": _SPEAKER,
    "user": _SPEAKER,
    "tool": _SPEAKER | {"tool_call_id": identifier},
    "assistant": _SPEAKER
    | {
        "refusal": text,
        "reasoning": text,
        "reasoning_content": text,
        "tool_calls": _tool_calls,
        "annotations": _empty,
        "audio": _empty,
        "function_call": _empty,
    },
}


def verify_constrained_tools(request: dict[str, Any]) -> None:
    """Refuse regular expressions in tool schemas where the choice makes the model obey them.

    *request* is checked already. Raises ``MalformedRequest`` for a choice without tools.
    """
    choice = request.get("tool_choice")
    if choice in (None, "none", "auto"):
        return
    if "tools" not in request:
        raise MalformedRequest("The field 'tool_choice' needs 'tools'.")
    for tool in request["tools"]:
        verify_no_patterns("tools", tool["function"].get("parameters", {}))
