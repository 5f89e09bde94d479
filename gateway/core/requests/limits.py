"""Hold a checked request to the limits of its client.

A line for each place that is counted; the same places serve every API.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import chain, groupby
from typing import Any, Final, NamedTuple

import orjson

from gateway.core.errors import UnsupportedParameter
from gateway.core.grants import Operation
from gateway.core.request_limits import HIGHEST, RequestLimits
from gateway.core.requests.features import MEDIA_PARTS
from gateway.core.requests.fields import is_tokens
from gateway.core.requests.inference_request import InferenceRequest
from gateway.core.requests.places import find_places, placed


def _amount(value: Any) -> int:
    """Return how much *value* is: a number itself, of anything else how long it is."""
    if isinstance(value, int):
        return 0 if isinstance(value, bool) else value
    return len(value)


def _entries(value: Any) -> int:
    """Return how many elements a list has; one value in the place of a list is one.

    So is one prompt of token ids.
    """
    return len(value) if isinstance(value, list) and not is_tokens(value) else 1


def _characters(value: Any) -> int:
    several = value if isinstance(value, list) else [value]
    return max((len(text) for text in several), default=0)


def _bytes(value: Any) -> int:
    return len(orjson.dumps(value))


def _depth(value: Any) -> int:
    """Return how many objects and lists are in each other, at most."""
    deep, level = 0, [value]
    while level := [inner for inner in level if isinstance(inner, dict | list)]:
        deep += 1
        level = [
            below
            for inner in level
            for below in (inner.values() if isinstance(inner, dict) else inner)
        ]
    return deep


def _images(messages: Any) -> int:
    parts = [part for _, part in find_places(messages, "*/content/*")]
    return sum(part.get("type") in MEDIA_PARTS for part in parts)


class Counted(NamedTuple):
    """A *limit*, a place that it counts, and how."""

    limit: str
    path: str
    amount: Callable[[Any], int]

    @property
    def member(self) -> str:
        """The member of the request in which the place is."""
        return self.path.partition("/")[0]


_SCHEMAS: Final = (
    "tools/*/function/parameters",
    "tools/*/parameters",
    "tools/*/input_schema",
    "response_format/json_schema/schema",
    "text/format/schema",
    "output_config/format/schema",
    "structured_outputs/json",
)
COUNTED: Final = (
    Counted("output_tokens", "max_tokens", _amount),
    Counted("output_tokens", "max_completion_tokens", _amount),
    Counted("output_tokens", "max_output_tokens", _amount),
    Counted("choices", "n", _amount),
    Counted("stop_strings", "stop", _entries),
    Counted("stop_strings", "stop_sequences", _entries),
    Counted("stop_characters", "stop", _characters),
    Counted("stop_characters", "stop_sequences", _characters),
    Counted("biases", "logit_bias", _amount),
    Counted("alternatives", "top_logprobs", _amount),
    Counted("alternatives", "logprobs", _amount),
    Counted("alternatives", "prompt_logprobs", _amount),
    Counted("messages", "messages", _entries),
    Counted("messages", "input", _entries),
    Counted("tools", "tools", _entries),
    Counted("images", "messages", _images),
    *(Counted("schema_bytes", path, _bytes) for path in _SCHEMAS),
    *(Counted("schema_depth", path, _depth) for path in _SCHEMAS),
)
"""Everything in a request that is counted."""

_BY_MEMBER: Final = {
    member: tuple(group)
    for member, group in groupby(
        sorted(COUNTED, key=lambda counted: counted.member), lambda counted: counted.member
    )
}

# The member that says how long an answer may become, where an API can do without it.
_OUTPUT_TOKENS: Final = {
    Operation.CHAT_COMPLETIONS: ("max_completion_tokens", "max_tokens"),
    Operation.RESPONSES: ("max_output_tokens",),
}


def limited(request: InferenceRequest, limits: RequestLimits) -> InferenceRequest:
    """Return *request*, which asks for no more than *limits*.

    One that does not say how long its answer may become says it now, if there is such a limit.
    Raises ``UnsupportedParameter``.
    """
    for counted in chain.from_iterable(_BY_MEMBER.get(name, ()) for name in request.upstream):
        limit = getattr(limits, counted.limit)
        for pointer, value in find_places(request.upstream, counted.path):
            if counted.amount(value) > limit:
                raise placed(
                    UnsupportedParameter(f"More than the limit '{counted.limit}': {limit}."),
                    pointer,
                )
    names = _OUTPUT_TOKENS.get(request.operation, ())
    is_open = bool(names) and not any(name in request.upstream for name in names)
    if is_open and limits.output_tokens < HIGHEST.output_tokens:
        upstream = {**request.upstream, names[0]: limits.output_tokens}
        return replace(request, upstream=upstream)
    return request
