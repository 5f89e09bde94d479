"""What requests for a chat and for a completion have in common: several choices and their stream.

Both are OpenAI's; so are the names of their members.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from gateway.core.errors import MalformedRequest, UnsupportedParameter
from gateway.core.grants import Parameter
from gateway.core.request_limits import HIGHEST
from gateway.core.requests.allow_list import (
    DROPPED,
    NOT_SCRUBBED,
    ORACLE,
    REFUSED,
    Granted,
)
from gateway.core.requests.fields import (
    Check,
    exact_object,
    flag,
    integer,
    logit_bias,
    model_name,
    number,
    place,
    seed,
    stop,
    token_limit,
)
from gateway.core.requests.structured_outputs import structured_outputs

# vLLM's own; none of them says anything but how likely the tokens are that the model offers.
SAMPLING: Final[Mapping[str, Check]] = {
    "top_k": integer(-1, 10_000),
    "min_p": number(0, 1),
    "repetition_penalty": number(0.01, 2),  # vLLM takes no zero
}

MEMBERS: Final[Mapping[str, Check]] = {
    **SAMPLING,
    "model": model_name,
    "stream": flag,
    "stream_options": partial(exact_object, members={"include_usage": flag}),
    "temperature": number(0, 2),
    "top_p": number(0, 1),
    "n": integer(1, HIGHEST.choices),
    "stop": stop,
    "seed": seed,
    "max_tokens": token_limit,
    "presence_penalty": number(-2, 2),
    "frequency_penalty": number(-2, 2),
    "logit_bias": logit_bias,
    "structured_outputs": structured_outputs,
}

CHOICES_DROPPED: Final = DROPPED | {"store"}

CHOICES_REFUSED: Final[Mapping[str, tuple[Any, str]]] = {
    **REFUSED,
    "logprobs": (False, NOT_SCRUBBED),
    "top_logprobs": (0, NOT_SCRUBBED),
    "echo": (False, NOT_SCRUBBED),
    "best_of": (1, "ask for several choices instead"),
    "guided_json": (None, "use response_format"),
    "guided_regex": (None, ORACLE),
    "guided_choice": (None, ORACLE),
    "guided_grammar": (None, ORACLE),
    "functions": (None, "use tools"),
    "function_call": (None, "use tool_choice"),
    "modalities": (["text"], "answers are text"),
    "suffix": ("", "the model server has no use for it"),
}


# The tokens of a choice in a stream are no text of their own, so what is about tokens comes whole.
_WHOLE_ONLY: Final = frozenset({Parameter.LOGPROBS, Parameter.TOKEN_IDS, Parameter.PROMPT_LOGPROBS})
CHOICES_GRANTED: Final[Mapping[str, Granted]] = {
    "return_token_ids": Granted(Parameter.TOKEN_IDS, flag),
    "prompt_logprobs": Granted(Parameter.PROMPT_LOGPROBS, integer(0, HIGHEST.alternatives)),
}


def verify_whole(parameters: frozenset[Parameter], *, stream: bool) -> None:
    """Refuse to stream what is about single tokens; raises ``UnsupportedParameter``."""
    if stream and parameters & _WHOLE_ONLY:
        raise place(
            UnsupportedParameter("Tokens and their probabilities come with whole answers only."),
            "stream",
        )


def stops_of(checked: dict[str, Any]) -> frozenset[str]:
    """Return the strings at which the caller wants the answer to end."""
    stop_strings = checked.get("stop", [])
    return frozenset([stop_strings] if isinstance(stop_strings, str) else stop_strings)


def ask_for_usage(checked: dict[str, Any]) -> bool:
    """Make *checked*, if it is a stream, ask for its cost; return whether the caller did.

    Raises ``MalformedRequest`` for options of a stream without a stream.
    """
    stream = checked.get("stream", False)
    options = checked.get("stream_options")
    if options is not None and not stream:
        raise place(
            MalformedRequest("The field 'stream_options' needs 'stream'."), "stream_options"
        )
    if stream:
        checked["stream_options"] = {"include_usage": True}
    return bool((options or {}).get("include_usage", False))
