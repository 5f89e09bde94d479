"""``POST /v1/messages`` (Anthropic): a conversation of messages that are made of blocks.

Text alone is let through, as everywhere. An answer never goes on inside the last message: vLLM puts
the beginning of a new one behind it.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from gateway.core.grants import Operation, Parameter
from gateway.core.requests.allow_list import DROPPED, REFUSED, AllowList
from gateway.core.requests.fields import (
    LEFT_OUT,
    MAX_STOP_STRINGS,
    Check,
    Kind,
    exact_object,
    flag,
    identifier,
    integer,
    json_object,
    left_out,
    list_of,
    model_name,
    number,
    one_of,
    require,
    tagged_object,
    text,
    token_limit,
)
from gateway.core.requests.inference_request import InferenceRequest, rebuilt
from gateway.core.requests.schemas import verify_no_patterns, verify_obeyed_schemas
from gateway.core.strict_json import parse_object

MAX_MESSAGES: Final = 4096
MAX_BLOCKS: Final = 1024
MAX_TOOLS: Final = 128
_MAX_TOP_K: Final = 10_000
_MIN_THINKING: Final = 1024  # vLLM's own limit, and Anthropic's


def _text_or(blocks: Check) -> Check:
    """Return the check for a string, or for blocks."""

    def check(name: str, value: Any) -> Any:
        return value if isinstance(value, str) else blocks(name, value)

    return check


def _blocks(**kinds: Kind) -> Check:
    return list_of(_block(kinds), at_most=MAX_BLOCKS)


def _block(kinds: dict[str, Kind]) -> Check:
    def check(name: str, value: Any) -> Any:
        if isinstance(value, dict) and value.get("type") == "redacted_thinking":
            return LEFT_OUT  # nobody can read it, and vLLM passes over it
        return tagged_object(name, value, kinds=kinds)

    return check


def _tool(name: str, value: Any) -> Any:
    checked = exact_object(name, value, members=_TOOL)
    require(name, checked, ["name", "input_schema"])
    return checked


def _output_config(name: str, value: Any) -> Any:
    checked = exact_object(name, value, members=_OUTPUT_CONFIG)
    verify_no_patterns(name, checked.get("format", {}).get("schema", {}))
    return checked


_NOTES: Final[dict[str, Check]] = {"cache_control": left_out, "citations": left_out}
_TEXT: Final = Kind(_NOTES | {"text": text}, needs=("text",))
_texts: Final = _text_or(_blocks(text=_TEXT))
_RESULT: Final = Kind(
    _NOTES | {"tool_use_id": identifier, "content": _texts, "is_error": flag},
    needs=("tool_use_id",),
)
_USE: Final = Kind(
    _NOTES | {"id": identifier, "name": identifier, "input": json_object},
    needs=("id", "name", "input"),
)
_THINKING: Final = Kind({"thinking": text, "signature": left_out}, needs=("thinking",))
_ROLES: Final = {
    "user": Kind({"content": _text_or(_blocks(text=_TEXT, tool_result=_RESULT))}, ("content",)),
    "assistant": Kind(
        {"content": _text_or(_blocks(text=_TEXT, thinking=_THINKING, tool_use=_USE))}, ("content",)
    ),
    "system": Kind({"content": _texts}, ("content",)),
}
_TOOL: Final[dict[str, Check]] = {
    "type": one_of("custom"),
    "name": identifier,
    "description": text,
    "input_schema": json_object,
    "strict": flag,
    "cache_control": left_out,
}
_PARALLEL: Final[dict[str, Check]] = {"disable_parallel_tool_use": flag}
_CHOICES: Final = {
    "auto": Kind(_PARALLEL),
    "any": Kind(_PARALLEL),
    "none": Kind({}),
    "tool": Kind(_PARALLEL | {"name": identifier}, needs=("name",)),
}
_EFFORT: Final = one_of("low", "medium", "high", "xhigh", "max")
_THOUGHT: Final = {
    "enabled": Kind(
        {"budget_tokens": integer(_MIN_THINKING, 2**24), "display": left_out},
        needs=("budget_tokens",),
    ),
    "disabled": Kind({}),
    "adaptive": Kind({"display": left_out}),
}
_OUTPUT_CONFIG: Final[dict[str, Check]] = {
    "effort": _EFFORT,
    "format": partial(
        tagged_object, kinds={"json_schema": Kind({"schema": json_object}, needs=("schema",))}
    ),
}

_MESSAGES: Final = AllowList(
    allowed={
        "model": model_name,
        "max_tokens": token_limit,
        "messages": list_of(partial(tagged_object, kinds=_ROLES, tag="role"), at_most=MAX_MESSAGES),
        "system": _texts,
        "tools": list_of(_tool, at_most=MAX_TOOLS, at_least=0),
        "tool_choice": partial(tagged_object, kinds=_CHOICES),
        "temperature": number(0, 2),
        "top_p": number(0, 1),
        "top_k": integer(0, _MAX_TOP_K),
        "stop_sequences": list_of(text, at_most=MAX_STOP_STRINGS, at_least=0),
        "stream": flag,
        "thinking": partial(tagged_object, kinds=_THOUGHT),
        "output_config": _output_config,
    },
    needed=("model", "max_tokens", "messages"),
    refused=REFUSED,
    dropped=DROPPED | {"cache_control"},
)


def parse_message_request(
    body: bytes,
    granted: frozenset[Parameter] = frozenset(),  # noqa: ARG001 - nothing is granted here
) -> InferenceRequest:
    """Return the request that *body* makes, ready to be sent on.

    Raises ``MalformedRequest``, ``UnsupportedParameter`` or ``PayloadTooLarge``. Their details name
    fields and never hold values.
    """
    checked = _MESSAGES.check(parse_object(body))
    forced = checked.get("tool_choice", {}).get("type") in {"any", "tool"}
    verify_obeyed_schemas(checked.get("tools", ()), member="input_schema", forced=forced)
    stops = frozenset(checked.get("stop_sequences", ()))
    return rebuilt(Operation.MESSAGES, checked, stops=stops)
