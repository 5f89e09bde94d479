"""``POST /v1/embeddings`` (OpenAI): texts, for which the answer has numbers."""

from __future__ import annotations

from typing import Any, Final

from gateway.core.grants import Operation, Parameter
from gateway.core.requests.allow_list import REFUSED, AllowList
from gateway.core.requests.features import use_embedded_features
from gateway.core.requests.fields import integer, is_tokens, malformed, model_name, one_of
from gateway.core.requests.inference_request import InferenceRequest, rebuilt
from gateway.core.strict_json import parse_object

MAX_INPUTS: Final = 2048  # as in OpenAI's API reference
MAX_DIMENSIONS: Final = 65_536


def _input(name: str, value: Any) -> Any:
    """Accept one text or several, or token ids."""
    if is_tokens(value):
        return value
    several = value if isinstance(value, list) else [value]
    are_texts = all(isinstance(item, str) for item in several)
    if not 1 <= len(several) <= MAX_INPUTS or not (are_texts or all(map(is_tokens, several))):
        raise malformed(name, f"a string or a list of at most {MAX_INPUTS} strings")
    return value


EMBEDDINGS: Final = AllowList(
    allowed={
        "model": model_name,
        "input": _input,
        "encoding_format": one_of("float", "base64"),
        "dimensions": integer(1, MAX_DIMENSIONS),
    },
    needed=("model", "input"),
    refused={**REFUSED, "stream": (False, "the answer comes at once")},
)
"""What a request may hold (gateway/parameters.md)."""


def parse_embedding_request(
    body: bytes,
    granted: frozenset[Parameter] = frozenset(),
    extra: frozenset[str] = frozenset(),
) -> InferenceRequest:
    """Return the request that *body* makes, ready to be sent on; see ``AllowList.check``.

    Raises ``MalformedRequest``, ``UnsupportedParameter`` or ``PayloadTooLarge``. Their details name
    fields and never hold values.
    """
    checked = EMBEDDINGS.check(parse_object(body), extra=extra)
    used = use_embedded_features(checked, granted)
    return rebuilt(Operation.EMBEDDINGS, checked, parameters=used)
