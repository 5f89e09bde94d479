"""Raw members of answers."""

from typing import Any

import pytest

from gateway.core.answers.asked import Asked
from gateway.core.answers.raw_tokens import raw_members
from gateway.core.errors import ScrubFailed
from gateway.core.grants import RAW_PARAMETERS, Parameter

RECEIVED: dict[str, Any] = {
    "token_ids": [1, 2],
    "prompt_token_ids": None,
    "prompt_logprobs": [
        None,
        {"7": {"logprob": -1.0, "rank": 1, "decoded_token": "x", "y": "canary"}},
    ],
}


def test_each_is_shown_to_whoever_may_have_it() -> None:
    """By default nothing is."""
    assert raw_members(RECEIVED, Asked()) == {}
    ids = Asked(parameters=frozenset({Parameter.TOKEN_IDS}))
    assert raw_members(RECEIVED, ids) == {"token_ids": [1, 2]}
    told = {"7": {"logprob": -1.0, "rank": 1, "decoded_token": "x"}}
    prompt = Asked(parameters=frozenset({Parameter.PROMPT_LOGPROBS}))
    assert raw_members(RECEIVED, prompt) == {"prompt_logprobs": [None, told]}
    assert raw_members({}, Asked(parameters=RAW_PARAMETERS)) == {}


@pytest.mark.parametrize(
    "received",
    [
        {"token_ids": "canary"},
        {"token_ids": ["canary"]},
        {"prompt_logprobs": ["canary"]},
        {"prompt_logprobs": [{"7": "canary"}]},
    ],
)
def test_their_form_is_checked(received: dict[str, Any]) -> None:
    """What has another form is not what was asked for."""
    with pytest.raises(ScrubFailed):
        raw_members(received, Asked(parameters=RAW_PARAMETERS))
