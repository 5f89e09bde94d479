"""``POST /v1/chat/completions`` (OpenAI): a conversation."""

from __future__ import annotations

from typing import Final

from gateway.core.grants import Operation, Parameter
from gateway.core.request_limits import HIGHEST
from gateway.core.requests.allow_list import AllowList, Granted
from gateway.core.requests.chat_messages import (
    messages,
    response_format,
    tool_choice,
    tools,
)
from gateway.core.requests.choices import (
    CHOICES_DROPPED,
    CHOICES_GRANTED,
    CHOICES_REFUSED,
    MEMBERS,
    ask_for_usage,
    stops_of,
    verify_whole,
)
from gateway.core.requests.features import use_features
from gateway.core.requests.fields import flag, integer, one_of, token_limit
from gateway.core.requests.inference_request import InferenceRequest, rebuilt
from gateway.core.requests.schemas import use_schemas
from gateway.core.requests.structured_outputs import TEMPLATE_OPTIONS
from gateway.core.strict_json import parse_object

CHAT: Final = AllowList(
    allowed={
        **MEMBERS,
        "messages": messages,
        "max_completion_tokens": token_limit,
        "tools": tools,
        "tool_choice": tool_choice,
        "parallel_tool_calls": flag,
        "response_format": response_format,
        "reasoning_effort": one_of("none", "minimal", "low", "medium", "high"),
    },
    needed=("model", "messages"),
    refused=CHOICES_REFUSED,
    dropped=CHOICES_DROPPED,
    granted={
        **CHOICES_GRANTED,
        "logprobs": Granted(Parameter.LOGPROBS, flag),
        "chat_template_kwargs": TEMPLATE_OPTIONS,
        "top_logprobs": Granted(Parameter.LOGPROBS, integer(0, HIGHEST.alternatives)),
    },
)
"""What a request may hold (gateway/parameters.md)."""


def parse_chat(
    body: bytes,
    granted: frozenset[Parameter] = frozenset(),
    extra: frozenset[str] = frozenset(),
) -> InferenceRequest:
    """Return the request that *body* makes, ready to be sent on; see ``AllowList.check``.

    Raises ``MalformedRequest``, ``UnsupportedParameter`` or ``PayloadTooLarge``. Their details name
    fields and never hold values.
    """
    checked = CHAT.check(parse_object(body), granted, extra)
    used = CHAT.used(checked) | use_features(checked, granted)
    forced = checked.get("tool_choice") not in (None, "none", "auto")
    used |= use_schemas(checked, granted, forced=forced)
    verify_whole(used, stream=checked.get("stream", False))
    usage_shown = ask_for_usage(checked)
    return rebuilt(
        Operation.CHAT_COMPLETIONS,
        checked,
        n=checked.get("n", 1),
        usage_shown=usage_shown,
        stops=stops_of(checked),
        parameters=used | (granted & {Parameter.STOP_REASON}),
    )
