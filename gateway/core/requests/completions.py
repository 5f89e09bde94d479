"""``POST /v1/completions`` (OpenAI): prompts that the answers continue."""

from __future__ import annotations

from typing import Any, Final

from gateway.core.grants import Operation, Parameter
from gateway.core.request_limits import HIGHEST
from gateway.core.requests.allow_list import AllowList, Granted
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
from gateway.core.requests.fields import flag, integer, is_tokens, prompt
from gateway.core.requests.inference_request import InferenceRequest, rebuilt
from gateway.core.requests.schemas import use_schemas
from gateway.core.strict_json import parse_object
from gateway.core.text_scrubbers import REACH

COMPLETION: Final = AllowList(
    allowed={**MEMBERS, "prompt": prompt},
    needed=("model", "prompt"),
    refused=CHOICES_REFUSED,
    dropped=CHOICES_DROPPED,
    granted={
        **CHOICES_GRANTED,
        "logprobs": Granted(Parameter.LOGPROBS, integer(0, HIGHEST.alternatives)),
        "echo": Granted(Parameter.ECHO, flag),
    },
)
"""What a request may hold (gateway/parameters.md)."""


def parse_completion(
    body: bytes,
    granted: frozenset[Parameter] = frozenset(),
    extra: frozenset[str] = frozenset(),
) -> InferenceRequest:
    """Return the request that *body* makes, ready to be sent on; see ``AllowList.check``.

    Raises ``MalformedRequest``, ``UnsupportedParameter`` or ``PayloadTooLarge``. Their details name
    fields and never hold values.
    """
    checked = COMPLETION.check(parse_object(body), granted, extra)
    used = COMPLETION.used(checked) | use_features(checked, granted)
    used |= use_schemas(checked, granted, forced=False)
    verify_whole(used, stream=checked.get("stream", False))
    usage_shown = ask_for_usage(checked)
    return rebuilt(
        Operation.COMPLETIONS,
        checked,
        # With an echo the prompt is in the answer and passes its scrubber there.
        prompts=_tails(checked),
        n=checked.get("n", 1),
        usage_shown=usage_shown,
        stops=stops_of(checked),
        parameters=used | (granted & {Parameter.STOP_REASON}),
    )


def _tails(checked: dict[str, Any]) -> tuple[str, ...]:
    """Return the ends of the prompts, empty for token ids, of which nobody knows the text."""
    if "echo" in checked:
        return ()
    prompts = checked["prompt"]
    several = [prompts] if isinstance(prompts, str) or is_tokens(prompts) else prompts
    return tuple([item[-REACH:] if isinstance(item, str) else "" for item in several])
