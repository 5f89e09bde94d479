"""Requests for embeddings."""

from typing import Any

import orjson
import pytest

from gateway.core.errors import MalformedRequest, SealgateError, UnsupportedParameter
from gateway.core.grants import Operation, Parameter
from gateway.core.requests.embeddings import MAX_INPUTS, parse_embedding_request

BASE: dict[str, Any] = {"model": "tiny", "input": "hi"}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"input": ["a", "b"]},
        {"encoding_format": "base64", "dimensions": 256},
        {"encoding_format": "float"},
    ],
)
def test_texts_pass(fields: dict[str, Any]) -> None:
    """One or several, with the form that the answer shall have; who asks stays here."""
    request = parse_embedding_request(orjson.dumps(BASE | fields | {"user": "canary"}))
    assert (request.operation, request.stream) == (Operation.EMBEDDINGS, False)
    assert orjson.loads(request.upstream_body) == BASE | fields


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"input": []}, MalformedRequest),
        ({"input": [1, 2]}, UnsupportedParameter),
        ({"input": [[1]]}, UnsupportedParameter),
        ({"input": [1, "a"]}, MalformedRequest),
        ({"input": ["x"] * (MAX_INPUTS + 1)}, MalformedRequest),
        ({"encoding_format": "canary"}, MalformedRequest),
        ({"dimensions": 0}, MalformedRequest),
        ({"stream": True}, UnsupportedParameter),
        ({"truncate_prompt_tokens": 1}, UnsupportedParameter),
        ({"messages": []}, UnsupportedParameter),
    ],
)
def test_everything_else_is_refused(fields: dict[str, Any], error: type[SealgateError]) -> None:
    """Token ids cannot be read and need a grant; no value is repeated."""
    with pytest.raises(error) as caught:
        parse_embedding_request(orjson.dumps(BASE | fields))
    assert "canary" not in caught.value.detail


@pytest.mark.parametrize("given", [[1, 2], [[1], [2]]])
def test_token_ids_pass_for_those_who_were_granted_them(given: Any) -> None:
    """As they are."""
    body = orjson.dumps(BASE | {"input": given})
    request = parse_embedding_request(body, frozenset({Parameter.TOKEN_PROMPTS}))
    assert orjson.loads(request.upstream_body)["input"] == given
