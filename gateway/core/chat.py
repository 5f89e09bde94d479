"""What an inference request may hold, and the body that goes to vLLM instead of the caller's.

vLLM takes unknown fields silently and knows many that bring out text where no scrubber looks, or
that turn the model into an oracle. So this is an allow-list: what is not in it is refused, and the
upstream body is written anew from what was checked, which leaves no room for two parsers to differ.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import orjson

from gateway.core.errors import MalformedRequest, UpstreamUnavailable
from gateway.core.grants import Operation
from gateway.core.request_fields import (
    Check,
    exact_object,
    flag,
    integer,
    logit_bias,
    malformed,
    model_name,
    number,
    one_of,
    prompt,
    stop,
    unsupported,
)
from gateway.core.request_json import load_json, parse_object
from gateway.core.request_messages import (
    messages,
    response_format,
    tool_choice,
    tools,
    verify_constrained_tools,
)

# A choice costs as much as a request of its own; more than this is a way around the limits.
MAX_CHOICES: Final = 8
# The longest value that can reach from a prompt into its answer is an e-mail address of about 320
# characters; what a check may look at comes before it.
PROMPT_TAIL: Final = 400
_MAX_TOKENS: Final = 2**24
_SEED: Final = 2**63
_MAX_MODELS: Final = 10_000


@dataclass(frozen=True, slots=True)
class InferenceRequest:
    """A checked request; *upstream* is what vLLM gets to see of it.

    *prompts* holds the last ``PROMPT_TAIL`` characters of each prompt that its answers continue
    without a break, and *n* says how many choices each has: choice ``i`` continues prompt
    ``i // n``. A chat has none, since template tokens stand between the last message and the
    answer, and fields that would have the model continue a message are refused. A caller who
    writes half a value into a message gets the other half back only from a model that completes
    it on demand, and alone it is no value; what the caller puts together is out of reach here.

    *usage_shown* says whether the caller asked for the token counts of a stream; vLLM is asked for
    them in any case.

    Nothing that the caller wrote is in the ``repr``.
    """

    operation: Operation
    model: str
    stream: bool
    upstream: dict[str, Any] = field(repr=False)
    prompts: tuple[str, ...] = field(default=(), repr=False)
    n: int = 1
    usage_shown: bool = False

    @property
    def upstream_body(self) -> bytes:
        """What is sent: *upstream* as JSON."""
        return orjson.dumps(self.upstream)


_COMMON: Final[dict[str, Check]] = {
    "model": model_name,
    "stream": flag,
    "stream_options": partial(exact_object, members={"include_usage": flag}),
    "temperature": number(0, 2),
    "top_p": number(0, 1),
    "n": integer(1, MAX_CHOICES),
    "stop": stop,
    "seed": integer(-_SEED, _SEED - 1),
    "max_tokens": integer(1, _MAX_TOKENS),
    "presence_penalty": number(-2, 2),
    "frequency_penalty": number(-2, 2),
    "logit_bias": logit_bias,
}

_ALLOWED: Final[dict[Operation, dict[str, Check]]] = {
    Operation.CHAT_COMPLETIONS: _COMMON
    | {
        "messages": messages,
        "max_completion_tokens": integer(1, _MAX_TOKENS),
        "tools": tools,
        "tool_choice": tool_choice,
        "parallel_tool_calls": flag,
        "response_format": response_format,
        "reasoning_effort": one_of("none", "minimal", "low", "medium", "high"),
    },
    Operation.COMPLETIONS: _COMMON | {"prompt": prompt},
}

_NEEDED: Final = {
    Operation.CHAT_COMPLETIONS: ("model", "messages"),
    Operation.COMPLETIONS: ("model", "prompt"),
}

# What SDKs add on the caller's behalf and vLLM has no use for. It says who is behind the caller, so
# it stays here.
_DROPPED: Final = frozenset(
    ["user", "metadata", "store", "service_tier", "safety_identifier", "prompt_cache_key"]
)

# Known fields that are refused, unless they say what leaving them out says.
_NOT_SCRUBBED: Final = "it repeats text where it cannot be scrubbed"
_ORACLE: Final = "it steers the model token by token"
_REFUSED: Final[dict[str, tuple[Any, str]]] = {
    "logprobs": (False, _NOT_SCRUBBED),
    "top_logprobs": (0, _NOT_SCRUBBED),
    "prompt_logprobs": (False, _NOT_SCRUBBED),
    "echo": (False, _NOT_SCRUBBED),
    "return_token_ids": (False, _NOT_SCRUBBED),
    "return_tokens_as_token_ids": (False, _NOT_SCRUBBED),
    "return_prompt_text": (False, _NOT_SCRUBBED),
    "prompt_text": (False, _NOT_SCRUBBED),
    "best_of": (1, "ask for several choices instead"),
    "chat_template": (None, "the template is the server's"),
    "chat_template_kwargs": (None, "the template is the server's"),
    "prompt_embeds": (None, "prompts are text"),
    "prompt_token_ids": (None, "prompts are text"),
    "guided_json": (None, "use response_format"),
    "guided_regex": (None, _ORACLE),
    "guided_choice": (None, _ORACLE),
    "guided_grammar": (None, _ORACLE),
    "structured_outputs": (None, "use response_format"),
    "allowed_token_ids": (None, _ORACLE),
    "bad_words": (None, _ORACLE),
    "min_tokens": (0, _ORACLE),
    "ignore_eos": (False, _ORACLE),
    "functions": (None, "use tools"),
    "function_call": (None, "use tool_choice"),
    "modalities": (["text"], "answers are text"),
    "suffix": ("", "the model server has no use for it"),
}


def parse_inference_request(operation: Operation, body: bytes) -> InferenceRequest:
    """Return the request that *body* makes, ready to be sent on.

    Raises ``MalformedRequest``, ``UnsupportedParameter`` or ``PayloadTooLarge``. Their details name
    fields and never hold values.
    """
    received = parse_object(body)
    checked = _check_fields(operation, received)
    for name in _NEEDED[operation]:
        if name not in checked:
            raise malformed(name, "given")
    stream = checked.get("stream", False)
    if "stream_options" in checked and not stream:
        raise MalformedRequest("The field 'stream_options' needs 'stream'.")
    verify_constrained_tools(checked)
    usage_shown = checked.get("stream_options", {}).get("include_usage", False)
    if stream:
        checked["stream_options"] = {"include_usage": True}
    return InferenceRequest(
        operation,
        checked["model"],
        stream,
        checked,
        prompts=_prompt_tails(checked.get("prompt", [])),
        n=checked.get("n", 1),
        usage_shown=usage_shown,
    )


def _prompt_tails(checked: str | list[str]) -> tuple[str, ...]:
    several = [checked] if isinstance(checked, str) else checked
    return tuple([item[-PROMPT_TAIL:] for item in several])


def _check_fields(operation: Operation, received: dict[str, Any]) -> dict[str, Any]:
    allowed = _ALLOWED[operation]
    checked: dict[str, Any] = {}
    for name, value in received.items():
        check = allowed.get(name)
        if check is not None:
            if value is not None:
                checked[name] = check(name, value)
        elif name not in _DROPPED:
            _verify_neutral(name, value)
    return checked


def _verify_neutral(name: str, value: Any) -> None:
    """Refuse a field outside the allow-list, unless it asks for nothing."""
    if name not in _REFUSED:
        raise unsupported(name)
    neutral, reason = _REFUSED[name]
    # The types too: 0 and false are equal in Python and mean different things here.
    if value is not None and (type(value) is not type(neutral) or value != neutral):
        raise unsupported(name, reason)


def parse_model_list(body: bytes, *, visible: Collection[str]) -> bytes:
    """Return vLLM's model list reduced to the *visible* ids and to four harmless members.

    Paths, parents and permissions of the server stay hidden. Raises ``UpstreamUnavailable`` if
    *body* is not a model list.
    """
    received = load_json(body, otherwise=UpstreamUnavailable())
    entries = received.get("data") if isinstance(received, dict) else None
    if not isinstance(entries, list) or len(entries) > _MAX_MODELS:
        raise UpstreamUnavailable
    shown = [_model(entry) for entry in entries]
    return orjson.dumps(
        {"object": "list", "data": [model for model in shown if model["id"] in visible]}
    )


def _model(entry: Any) -> dict[str, Any]:
    name = entry.get("id") if isinstance(entry, dict) else None
    created = entry.get("created", 0) if isinstance(entry, dict) else None
    if not isinstance(name, str) or type(created) is not int:
        raise UpstreamUnavailable
    # The owner is ours to say: upstream it is a free text.
    return {"id": name, "object": "model", "created": created, "owned_by": "sealgate"}
