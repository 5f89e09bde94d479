"""``POST /v1/messages`` (Anthropic): a conversation of messages that are made of blocks.

Text is let through, and images that are in the request themselves. An answer never goes on inside
the last message: vLLM puts the beginning of a new one behind it.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from gateway.core.grants import Operation, Parameter
from gateway.core.request_limits import HIGHEST
from gateway.core.requests.allow_list import DROPPED, REFUSED, AllowList
from gateway.core.requests.features import use_features
from gateway.core.requests.fields import (
    LEFT_OUT,
    Check,
    Exact,
    Kind,
    exact_object,
    flag,
    identifier,
    integer,
    json_object,
    left_out,
    list_of,
    malformed,
    model_name,
    number,
    one_of,
    require,
    stop,
    tagged_object,
    text,
    token_limit,
)
from gateway.core.requests.inference_request import InferenceRequest, rebuilt
from gateway.core.requests.media import MEDIA_TYPES, verify_image
from gateway.core.requests.schemas import use_schemas
from gateway.core.requests.structured_outputs import TEMPLATE_OPTIONS
from gateway.core.strict_json import parse_object

MAX_BLOCKS: Final = 1024
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


def _stop_sequences(name: str, value: Any) -> Any:
    if not isinstance(value, list):
        raise malformed(name, "a list of strings")
    return stop(name, value)


def _tool(name: str, value: Any) -> Any:
    checked = exact_object(name, value, members=_TOOL)
    require(name, checked, ["name", "input_schema"])
    return checked


def _source(name: str, value: Any) -> Any:
    checked = tagged_object(name, value, kinds=_SOURCES)
    verify_image(checked["media_type"], checked["data"])
    return {**checked, "data": Exact(checked["data"])}


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
_SOURCES: Final = {
    "base64": Kind({"media_type": one_of(*MEDIA_TYPES), "data": text}, ("media_type", "data"))
}
_IMAGE: Final = Kind(_NOTES | {"source": _source}, needs=("source",))
_ROLES: Final = {
    "user": Kind(
        {"content": _text_or(_blocks(text=_TEXT, tool_result=_RESULT, image=_IMAGE))}, ("content",)
    ),
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

MESSAGES: Final = AllowList(
    allowed={
        "model": model_name,
        "max_tokens": token_limit,
        "messages": list_of(
            partial(tagged_object, kinds=_ROLES, tag="role"), at_most=HIGHEST.messages
        ),
        "system": _texts,
        "tools": list_of(_tool, at_most=HIGHEST.tools, at_least=0),
        "tool_choice": partial(tagged_object, kinds=_CHOICES),
        "temperature": number(0, 2),
        "top_p": number(0, 1),
        "top_k": integer(0, _MAX_TOP_K),
        "stop_sequences": _stop_sequences,
        "stream": flag,
        "thinking": partial(tagged_object, kinds=_THOUGHT),
        "output_config": partial(exact_object, members=_OUTPUT_CONFIG),
    },
    needed=("model", "max_tokens", "messages"),
    refused=REFUSED,
    dropped=DROPPED | {"cache_control"},
    granted={"chat_template_kwargs": TEMPLATE_OPTIONS},
)
"""What a request may hold (gateway/parameters.md)."""


def parse_message_request(
    body: bytes,
    granted: frozenset[Parameter] = frozenset(),
    extra: frozenset[str] = frozenset(),
) -> InferenceRequest:
    """Return the request that *body* makes, ready to be sent on; see ``AllowList.check``.

    Raises ``MalformedRequest``, ``UnsupportedParameter`` or ``PayloadTooLarge``. Their details name
    fields and never hold values.
    """
    checked = MESSAGES.check(parse_object(body), granted, extra)
    used = MESSAGES.used(checked) | use_features(checked, granted)
    forced = checked.get("tool_choice", {}).get("type") in {"any", "tool"}
    used |= use_schemas(checked, granted, forced=forced)
    stops = frozenset(checked.get("stop_sequences", ()))
    return rebuilt(Operation.MESSAGES, checked, stops=stops, parameters=used)
