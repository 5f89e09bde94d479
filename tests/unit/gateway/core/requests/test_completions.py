"""Requests for a completion."""

from typing import Any

import orjson
import pytest

from gateway.core.errors import MalformedRequest, UnsupportedParameter
from gateway.core.grants import Operation, Parameter
from gateway.core.requests.completions import parse_completion
from gateway.core.requests.inference_request import InferenceRequest
from gateway.core.text_scrubbers import REACH


def parse(fields: dict[str, Any]) -> InferenceRequest:
    """Parse a request with *fields* added."""
    return parse_completion(orjson.dumps({"model": "tiny", "prompt": "hi"} | fields))


def test_a_completion_is_rebuilt() -> None:
    """Model and prompt are enough."""
    request = parse({})
    assert request.operation is Operation.COMPLETIONS
    assert orjson.loads(request.upstream_body) == {"model": "tiny", "prompt": "hi"}


def test_a_completion_knows_the_ends_of_its_prompts() -> None:
    """The scrubber gets the last characters of each prompt, and how many choices each has."""
    request = parse({"prompt": "x" * REACH + "tel 1"})
    assert request.prompts == ("x" * (REACH - 5) + "tel 1",)
    assert request.n == 1
    request = parse({"prompt": ["a", "b"], "n": 3})
    assert (request.prompts, request.n) == (("a", "b"), 3)


@pytest.mark.parametrize("prompt", [[1, "a"], [[1], "a"], [-1], [True], [2**31], [[]], 5, {}])
def test_prompts_are_text(prompt: Any) -> None:
    """Or token ids; never a mixture, and nothing else."""
    with pytest.raises(MalformedRequest) as caught:
        parse({"prompt": prompt})
    assert caught.value.pointer == "/prompt"


@pytest.mark.parametrize("prompt", [[1, 2, 3], [[1], [2]]])
def test_token_ids_need_a_grant(prompt: Any) -> None:
    """Nobody can read them; of their text the scrubber knows nothing."""
    with pytest.raises(UnsupportedParameter, match="token_prompts"):
        parse({"prompt": prompt})
    body = orjson.dumps({"model": "tiny", "prompt": prompt})
    request = parse_completion(body, frozenset({Parameter.TOKEN_PROMPTS}))
    assert request.parameters == {Parameter.TOKEN_PROMPTS}
    assert not any(request.prompts)
    assert orjson.loads(request.upstream_body)["prompt"] == prompt


@pytest.mark.parametrize("body", [b"canary", b"{}"])
def test_the_error_of_the_parser_is_not_kept(body: bytes) -> None:
    """It holds all of the text, so it is not on our error."""
    with pytest.raises(MalformedRequest) as caught:
        parse_completion(body)
    assert caught.value.__context__ is None
