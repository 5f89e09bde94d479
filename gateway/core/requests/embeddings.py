"""``POST /v1/embeddings`` (OpenAI): texts, for which the answer has numbers."""

from __future__ import annotations

from typing import Any, Final

from gateway.core.grants import Operation, Parameter
from gateway.core.requests.allow_list import REFUSED, AllowList
from gateway.core.requests.fields import integer, malformed, model_name, one_of
from gateway.core.requests.inference_request import InferenceRequest, rebuilt
from gateway.core.strict_json import parse_object

MAX_INPUTS: Final = 2048  # as in OpenAI's API reference
MAX_DIMENSIONS: Final = 65_536


def _input(name: str, value: Any) -> Any:
    """Accept one text or several; token ids are refused, for nobody can read them."""
    several = value if isinstance(value, list) else [value]
    if not 1 <= len(several) <= MAX_INPUTS or not all(isinstance(item, str) for item in several):
        raise malformed(name, f"a string or a list of at most {MAX_INPUTS} strings")
    return value


_EMBEDDINGS: Final = AllowList(
    allowed={
        "model": model_name,
        "input": _input,
        "encoding_format": one_of("float", "base64"),
        "dimensions": integer(1, MAX_DIMENSIONS),
    },
    needed=("model", "input"),
    refused={**REFUSED, "stream": (False, "the answer comes at once")},
)


def parse_embedding_request(
    body: bytes,
    granted: frozenset[Parameter] = frozenset(),  # noqa: ARG001 - nothing is granted here
) -> InferenceRequest:
    """Return the request that *body* makes, ready to be sent on.

    Raises ``MalformedRequest``, ``UnsupportedParameter`` or ``PayloadTooLarge``. Their details name
    fields and never hold values.
    """
    return rebuilt(Operation.EMBEDDINGS, _EMBEDDINGS.check(parse_object(body)))
