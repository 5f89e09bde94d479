"""Checks of the nested parts of a chat request: messages, tools and the response format.

Text is let through, and images that are in the request themselves. Parts that point elsewhere
(images, audio, video, files) would make the model server fetch an address of the caller's choice.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from gateway.core.request_limits import HIGHEST
from gateway.core.requests.fields import (
    LEFT_OUT,
    Check,
    Kind,
    empty,
    exact_object,
    flag,
    identifier,
    json_object,
    list_of,
    malformed,
    one_of,
    require,
    speaker_name,
    tagged_object,
    text,
)
from gateway.core.requests.media import data_url

MAX_PARTS: Final = 1024
MAX_CALLS: Final = 128


def tool_choice(name: str, value: Any) -> Any:
    """Accept ``none``, ``auto``, ``required`` or one function by name."""
    if isinstance(value, str):
        return one_of("none", "auto", "required")(name, value)
    return _named_tool(name, value)


def response_format(name: str, value: Any) -> Any:
    """Accept text, any JSON, or JSON by a schema."""
    checked = exact_object(name, value, members=_RESPONSE_FORMAT)
    require(name, checked, ["type"])
    if (checked["type"] == "json_schema") != ("json_schema" in checked):
        raise malformed(name, "of type json_schema exactly where it has that member")
    return checked


def _content(name: str, value: Any) -> Any:
    return value if isinstance(value, str) else _parts(name, value)


def _seen_content(name: str, value: Any) -> Any:
    return value if isinstance(value, str) else _seen_parts(name, value)


def _tool_calls(name: str, value: Any) -> Any:
    return LEFT_OUT if value == [] else _calls(name, value)


def _function(name: str, value: Any, *, members: dict[str, Check]) -> dict[str, Any]:
    checked = exact_object(name, value, members=members)
    require(name, checked, ["name"])
    return checked


def _of_function(members: dict[str, Check], **beside: Check) -> Check:
    """Return the check for an object of type function that has a function of *members*."""
    inner = partial(_function, members=members)
    kind = Kind({"function": inner, **beside}, needs=("function",))
    return partial(tagged_object, kinds={"function": kind})


_image: Final = partial(
    exact_object, members={"url": data_url, "detail": one_of("auto", "low", "high")}
)
_TEXTS: Final = {kind: Kind({kind: text}, needs=(kind,)) for kind in ("text", "refusal")}
_IMAGE: Final = Kind({"image_url": _image}, needs=("image_url",))
_parts: Final = list_of(partial(tagged_object, kinds=_TEXTS), at_most=MAX_PARTS)
_seen_parts: Final = list_of(
    partial(tagged_object, kinds={**_TEXTS, "image_url": _IMAGE}), at_most=MAX_PARTS
)
_calls: Final = list_of(
    _of_function({"name": identifier, "arguments": text}, id=identifier), at_most=MAX_CALLS
)
_named_tool: Final = _of_function({"name": identifier})
_DESCRIBED: Final[dict[str, Check]] = {"name": identifier, "description": text, "strict": flag}
_RESPONSE_FORMAT: Final[dict[str, Check]] = {
    "type": one_of("text", "json_object", "json_schema"),
    "json_schema": partial(_function, members=_DESCRIBED | {"schema": json_object}),
}
_SPEAKER: Final[dict[str, Check]] = {"content": _content, "name": speaker_name}
_SAID: Final = Kind(_SPEAKER, needs=("content",))
_ROLES: Final = {
    "system": _SAID,
    "developer": _SAID,
    "user": Kind(_SPEAKER | {"content": _seen_content}, needs=("content",)),
    "tool": Kind(_SPEAKER | {"tool_call_id": identifier}, needs=("tool_call_id", "content")),
    "assistant": Kind(
        _SPEAKER
        | {
            "refusal": text,
            "reasoning": text,
            "reasoning_content": text,
            "tool_calls": _tool_calls,
            "annotations": empty,
            "audio": empty,
            "function_call": empty,
        }
    ),
}

messages: Final = list_of(
    partial(tagged_object, kinds=_ROLES, tag="role"), at_most=HIGHEST.messages
)
"""Accept a conversation of text messages; null members are left out."""

tools: Final = list_of(
    _of_function(_DESCRIBED | {"parameters": json_object}), at_most=HIGHEST.tools
)
"""Accept function tools."""
