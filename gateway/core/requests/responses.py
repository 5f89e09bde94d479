"""``POST /v1/responses`` (OpenAI): a conversation as a list of items.

What would be kept on the server between two requests is refused: each request says all of it.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from gateway.core.grants import Operation, Parameter
from gateway.core.request_limits import HIGHEST
from gateway.core.requests.allow_list import (
    DROPPED,
    NOT_SCRUBBED,
    NOTHING_IS_KEPT,
    REFUSED,
    AllowList,
    Granted,
)
from gateway.core.requests.choices import SAMPLING, verify_whole
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
    logit_bias,
    malformed,
    model_name,
    number,
    one_of,
    place,
    seed,
    stop,
    tagged_object,
    text,
    token_limit,
    unsupported,
)
from gateway.core.requests.inference_request import InferenceRequest, rebuilt
from gateway.core.requests.response_items import response_input
from gateway.core.requests.schemas import use_schemas
from gateway.core.requests.structured_outputs import TEMPLATE_OPTIONS, structured_outputs
from gateway.core.strict_json import parse_object

# Of all that can be included an answer of vLLM has this, anyway, and the other only if asked.
_INCLUDED_ANYWAY: Final = "reasoning.encrypted_content"
_LOGPROBS: Final = "message.output_text.logprobs"


def _tool_choice(name: str, value: Any) -> Any:
    if isinstance(value, str):
        return one_of("none", "auto", "required")(name, value)
    return _named_tool(name, value)


def _text(name: str, value: Any) -> Any:
    checked = exact_object(name, value, members={"format": _text_format})
    return checked or LEFT_OUT


def _include(name: str, value: Any) -> Any:
    if not isinstance(value, list):
        raise malformed(name, "a list of strings")
    asked = [Exact(included) for included in value if included != _INCLUDED_ANYWAY]
    if any(included != _LOGPROBS for included in asked):
        raise unsupported(name, NOT_SCRUBBED)
    return asked or LEFT_OUT


def _not_stored(name: str, value: Any) -> Any:
    if value is not False:
        raise unsupported(name, NOTHING_IS_KEPT)
    return LEFT_OUT


_DESCRIBED: Final[dict[str, Check]] = {"name": identifier, "description": text, "strict": flag}
_FORMATS: Final = {
    "text": Kind({}),
    "json_object": Kind({}),
    "json_schema": Kind(_DESCRIBED | {"schema": json_object}, needs=("name", "schema")),
}
_text_format: Final = partial(tagged_object, kinds=_FORMATS)
_TOOL: Final = {"function": Kind(_DESCRIBED | {"parameters": json_object}, needs=("name",))}
_named_tool: Final = partial(
    tagged_object, kinds={"function": Kind({"name": identifier}, needs=("name",))}
)

RESPONSE: Final = AllowList(
    allowed={
        **SAMPLING,
        "structured_outputs": structured_outputs,
        "model": model_name,
        "stream": flag,
        "input": response_input,
        "instructions": text,
        "tools": list_of(partial(tagged_object, kinds=_TOOL), at_most=HIGHEST.tools, at_least=0),
        "tool_choice": _tool_choice,
        "parallel_tool_calls": flag,
        "text": _text,
        "reasoning": partial(
            exact_object,
            members={
                "effort": one_of("none", "minimal", "low", "medium", "high"),
                "summary": left_out,
                "generate_summary": left_out,
            },
        ),
        "max_output_tokens": token_limit,
        "temperature": number(0, 2),
        "top_p": number(0, 1),
        "presence_penalty": number(-2, 2),
        "frequency_penalty": number(-2, 2),
        "logit_bias": logit_bias,
        "seed": seed,
        "stop": stop,
        "truncation": one_of("auto", "disabled"),
        "include": _include,
        "store": _not_stored,
    },
    needed=("model", "input"),
    refused={
        **REFUSED,
        "background": (False, NOTHING_IS_KEPT),
        "previous_response_id": (None, NOTHING_IS_KEPT),
        "conversation": (None, NOTHING_IS_KEPT),
        "prompt": (None, NOTHING_IS_KEPT),
        "previous_input_messages": (None, NOTHING_IS_KEPT),
        "top_logprobs": (0, NOT_SCRUBBED),
        "max_tool_calls": (None, "the gateway runs no tools"),
        "enable_response_messages": (False, NOT_SCRUBBED),
    },
    dropped=DROPPED | {"stream_options"},
    granted={
        "chat_template_kwargs": TEMPLATE_OPTIONS,
        "top_logprobs": Granted(Parameter.LOGPROBS, integer(0, HIGHEST.alternatives)),
    },
)
"""What a request may hold (gateway/parameters.md)."""


def parse_response_request(
    body: bytes,
    granted: frozenset[Parameter] = frozenset(),
    extra: frozenset[str] = frozenset(),
) -> InferenceRequest:
    """Return the request that *body* makes, ready to be sent on; see ``AllowList.check``.

    Raises ``MalformedRequest``, ``UnsupportedParameter`` or ``PayloadTooLarge``. Their details name
    fields and never hold values.
    """
    checked = RESPONSE.check(parse_object(body), granted, extra)
    used = RESPONSE.used(checked) | use_features(checked, granted)
    if "include" in checked:
        used |= {Parameter.LOGPROBS}
    if not used <= granted:
        raise place(unsupported("include", NOT_SCRUBBED), "include")
    verify_whole(used, stream=checked.get("stream", False))
    forced = checked.get("tool_choice") not in (None, "none", "auto")
    used |= use_schemas(checked, granted, forced=forced)
    checked["store"] = False
    return rebuilt(Operation.RESPONSES, checked, parameters=used)
